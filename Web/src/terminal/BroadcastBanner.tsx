import { openPalette } from "../app/palette";
import { useStore } from "../app/store";
import { Button } from "../ui/controls";
import { Icon } from "../ui/Icon";
import { environmentLabel, inert } from "../ui/text";
import { broadcast, useBroadcast } from "./broadcast";
import { useChannel } from "./hooks";
import type { TerminalChannel } from "./channel";

/** While typing goes to several terminals, nothing about it is quiet: how many, which, and who does not hear. */
export function BroadcastBanner() {
    const members = useBroadcast();
    const open = useStore((s) => s.openTerminals);
    const first = members[0];
    if (first === undefined) return null;
    return (
        <div className="broadcast-banner" role="alert" data-testid="broadcast-banner">
            <Icon name="broadcast" size={20} />
            <strong>Typing goes to {members.length} terminals</strong>
            <ul>
                {members.map((member) => {
                    const channel = broadcast.channel(member);
                    const terminal = open.find((one) => one.id === member);
                    return channel && terminal && (
                        <Member key={member} channel={channel} alias={terminal.alias} environment={terminal.environment} />
                    );
                })}
            </ul>
            <Button small onClick={() => openPalette({ kind: "broadcast", session: first })}>Choose</Button>
            <Button small tone="primary" icon="stop" data-testid="broadcast-stop" onClick={broadcast.stop}>Stop</Button>
        </div>
    );
}

function Member({ channel, alias, environment }: { channel: TerminalChannel; alias: string; environment: string }) {
    const { seat, ending } = useChannel(channel);
    const holder = seat?.keyboard.holder;
    const why = channel.mayType
        ? null
        : ending
        ? "ended"
        : holder && !seat.you.holder
        ? `${inert(holder.name, 24)} has the keyboard`
        : "does not hear";
    return (
        <li data-environment={environment} data-hears={why === null}>
            {inert(alias, 32)}
            {environment === "production" && <small>{environmentLabel[environment]}</small>}
            {why && <small>{why}</small>}
        </li>
    );
}
