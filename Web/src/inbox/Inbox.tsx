import { useEffect } from "react";
import type { InboxNotice } from "../api/types";
import { go } from "../app/router";
import { useStore } from "../app/store";
import { PushPanel } from "../push/PushPanel";
import { Button } from "../ui/controls";
import { Empty, Listing, PageHead } from "../ui/display";
import { Icon, type IconName } from "../ui/Icon";
import { ago, fullTime, inert } from "../ui/text";
import { loadInbox, markRead } from "./unread";

const icons: Record<string, IconName> = {
    "keyboard.requested": "keyboard",
    "handoff.offered": "give",
    "session.invited": "invite",
    "host.key_changed": "alert",
    "agent.request": "agent",
    "chat.mention": "chat",
};

/** What happened that waits for this person, whether or not a device told them. */
export function Inbox() {
    const inbox = useStore((s) => s.inbox);
    const unread = useStore((s) => s.unread);
    useEffect(() => void loadInbox(), []);
    return (
        <div className="narrow">
            <PageHead title="Inbox">
                {unread > 0 && (
                    <Button icon="check" data-testid="inbox-read-all" onClick={() => void markRead([])}>
                        All read
                    </Button>
                )}
            </PageHead>
            <Listing
                value={inbox}
                reload={() => void loadInbox()}
                empty={
                    <Empty icon="inbox" title="Nothing waits for you">
                        Requests for the keyboard, handoffs, invitations, changed host keys and agents' questions come
                        here.
                    </Empty>
                }
            >
                {(notices) => (
                    <ul className="panel inbox-list" data-testid="inbox-list">
                        {notices.map((notice) => <NoticeRow key={notice.id} notice={notice} />)}
                    </ul>
                )}
            </Listing>
            <PushPanel />
        </div>
    );
}

function NoticeRow({ notice }: { notice: InboxNotice }) {
    return (
        <li>
            <button
                type="button"
                className="inbox-row"
                data-unread={!notice.readAt}
                data-kind={notice.kind}
                data-testid="inbox-notice"
                onClick={() => {
                    if (!notice.readAt) void markRead([notice.id]);
                    if (notice.link.startsWith("/") && notice.link !== "/inbox") go(notice.link);
                }}
            >
                <Icon name={icons[notice.kind] ?? "info"} />
                <span>
                    <span className="inbox-text">{inert(notice.text, 300)}</span>
                    <small className="muted" title={fullTime(notice.at)}>
                        {ago(notice.at)}
                        {!notice.readAt && <span className="offscreen">, unread</span>}
                    </small>
                </span>
                {!notice.readAt && <i className="unread-dot" aria-hidden="true" />}
            </button>
        </li>
    );
}
