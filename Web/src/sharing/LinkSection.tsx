import { useCallback, useEffect, useState } from "react";
import { type ApiError, asApiError } from "../api/client";
import type { SeatView } from "../api/types";
import { toast, useMay } from "../app/store";
import { Problem, useNow } from "../ui/display";
import { Button, CopyButton } from "../ui/controls";
import { inert, span } from "../ui/text";
import { type SessionLink, sharing } from "./calls";

const lifetimes = [
    { minutes: 15, label: "15 minutes" },
    { minutes: 60, label: "1 hour" },
    { minutes: 480, label: "8 hours" },
    { minutes: 1440, label: "1 day" },
];
const numbers = [1, 5, 20];

/** Links for people without an account: made, shown once, listed, taken back. They only watch this one session. */
export function LinkSection({ seat }: { seat: SeatView }) {
    const mayLink = useMay("session.link");
    const [links, setLinks] = useState<SessionLink[] | null>(null);
    const [minutes, setMinutes] = useState(60);
    const [uses, setUses] = useState(1);
    const [made, setMade] = useState<{ url: string; expiresAt: string } | null>(null);
    const [isBusy, setBusy] = useState(false);
    const [error, setError] = useState<ApiError | null>(null);
    const reload = useCallback(async () => {
        try {
            setLinks(await sharing.links(seat.id));
        } catch (problem) {
            setError(asApiError(problem));
        }
    }, [seat.id]);
    // Who came by a link is among the seats: then its count is another one.
    const guests = seat.seats.filter((one) => one.userId.startsWith("guest:")).length;
    useEffect(() => void reload(), [reload, guests]);
    const make = async () => {
        setBusy(true);
        setError(null);
        try {
            const { url, link } = await sharing.makeLink(seat.id, { mode: "view", minutes, uses });
            setMade({ url, expiresAt: link.expiresAt });
            await reload();
        } catch (problem) {
            setError(asApiError(problem));
        }
        setBusy(false);
    };
    const revoke = async (link: SessionLink) => {
        setError(null);
        try {
            await sharing.revokeLink(seat.id, link.id);
            toast("The link was taken back", { tone: "good" });
            setMade(null);
        } catch (problem) {
            setError(asApiError(problem));
        }
        await reload();
    };
    return (
        <section className="drawer-section" data-testid="links">
            <h3>Link for watching</h3>
            <p className="muted">For people without an account. They see this session, nothing else, and never type.</p>
            {error && <Problem compact error={error} testid="links-problem" />}
            {mayLink && !made && (
                <div className="link-maker">
                    <select
                        aria-label="How long the link works"
                        value={minutes}
                        data-testid="link-minutes"
                        onChange={(event) => setMinutes(Number(event.target.value))}
                    >
                        {lifetimes.map((one) => <option key={one.minutes} value={one.minutes}>{one.label}</option>)}
                    </select>
                    <select
                        aria-label="For how many people"
                        value={uses}
                        data-testid="link-uses"
                        onChange={(event) => setUses(Number(event.target.value))}
                    >
                        {numbers.map((one) => (
                            <option key={one} value={one}>{one === 1 ? "1 person" : `${one} people`}</option>
                        ))}
                    </select>
                    <Button icon="link" busy={isBusy} onClick={() => void make()} data-testid="link-make">
                        Make a link
                    </Button>
                </div>
            )}
            {made && <MadeLink url={made.url} alias={seat.host.alias} done={() => setMade(null)} />}
            {links && links.length > 0 && (
                <ul className="people-list">
                    {links.map((link) => <LinkRow key={link.id} link={link} revoke={() => void revoke(link)} />)}
                </ul>
            )}
        </section>
    );
}

/** Shown once: the server keeps only its hash. */
function MadeLink({ url, alias, done }: { url: string; alias: string; done: () => void }) {
    const share = () =>
        void navigator.share({ title: `Watch ${alias}`, url }).catch(() => undefined);
    return (
        <div className="made-link">
            <code className="preview" data-testid="link-url">{url}</code>
            <p className="muted">It is not shown again. Send it over a channel that you trust.</p>
            <div className="form-actions">
                <Button onClick={done}>Done</Button>
                {"share" in navigator && <Button icon="give" onClick={share} data-testid="link-share">Share</Button>}
                <CopyButton tone="primary" text={url} label="Copy the link" testid="link-copy" />
            </div>
        </div>
    );
}

function LinkRow({ link, revoke }: { link: SessionLink; revoke: () => void }) {
    const now = useNow(10_000);
    const left = Math.max(0, (new Date(link.expiresAt).getTime() - now) / 1000);
    return (
        <li className="person" data-testid="link-row">
            <div className="person-words">
                <strong>
                    {link.person ? `For ${inert(link.person.name, 40)}` : inert(link.label, 60) || "To watch"}
                </strong>
                <span className="muted">
                    {link.used} of {link.uses} used · {span(left)} left · by {inert(link.createdBy.name, 30)}
                </span>
            </div>
            <Button small tone="quiet" icon="trash" onClick={revoke} data-testid="link-revoke">Take back</Button>
        </li>
    );
}
