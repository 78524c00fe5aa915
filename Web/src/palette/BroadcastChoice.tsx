import { useState } from "react";
import { closePalette } from "../app/palette";
import { useStore } from "../app/store";
import { broadcast } from "../terminal/broadcast";
import { useChannel } from "../terminal/hooks";
import type { TerminalChannel } from "../terminal/channel";
import { broadcastChoices } from "../terminal/paneActions";
import { Button, Dialog } from "../ui/controls";
import { EnvironmentLabel } from "../ui/display";
import { inert } from "../ui/text";

/** Which of the panes in view hear what is typed into any of them. */
export function BroadcastChoice({ session }: { session: string }) {
    const all = broadcastChoices(session);
    const [chosen, setChosen] = useState<string[]>(broadcast.members.length > 0 ? [...broadcast.members] : all);
    return (
        <Dialog
            title="Type into several panes"
            onClose={closePalette}
            testid="broadcast-dialog"
            actions={
                <>
                    <Button onClick={closePalette}>Cancel</Button>
                    <Button
                        tone="primary"
                        icon="broadcast"
                        disabled={chosen.length < 2}
                        data-testid="broadcast-start"
                        onClick={() => {
                            broadcast.choose(all.filter((id) => chosen.includes(id)));
                            closePalette();
                        }}
                    >
                        Type into {chosen.length}
                    </Button>
                </>
            }
        >
            <p className="muted">
                Every key and paste in one of them goes to all, for as long as they are in view. Mouse clicks stay where
                they are.
            </p>
            <ul className="choice-list">
                {all.map((id) => {
                    const channel = broadcast.channel(id);
                    return channel && (
                        <Pane
                            key={id}
                            channel={channel}
                            isChosen={chosen.includes(id)}
                            toggle={() =>
                                setChosen(chosen.includes(id) ? chosen.filter((one) => one !== id) : [...chosen, id])}
                        />
                    );
                })}
            </ul>
        </Dialog>
    );
}

function Pane({ channel, isChosen, toggle }: { channel: TerminalChannel; isChosen: boolean; toggle: () => void }) {
    const terminal = useStore((s) => s.openTerminals.find((one) => one.id === channel.sessionId));
    const { seat } = useChannel(channel);
    const holder = seat?.keyboard.holder;
    return (
        <li>
            <label className="check">
                <input type="checkbox" checked={isChosen} onChange={toggle} data-testid="broadcast-member" />
                <span>
                    {inert(terminal?.alias, 60)}
                    {holder && !seat.you.holder && <small className="muted">{` ${inert(holder.name, 30)} has the keyboard`}</small>}
                </span>
                {terminal && <EnvironmentLabel environment={terminal.environment} />}
            </label>
        </li>
    );
}
