import type { SeatView } from "../api/types";
import { go } from "../app/router";
import { EnvironmentLabel, useNow } from "../ui/display";
import { Button, Menu, type MenuItem } from "../ui/controls";
import { Icon } from "../ui/Icon";
import { clock, inert } from "../ui/text";
import type { ChannelState, TerminalChannel } from "./channel";
import { useLink } from "./hooks";
import { mayTake } from "./notices";
import { PanelButtons } from "./PanelPlace";
import type { PanelProps } from "./panels";

interface HeaderProps {
    channel: TerminalChannel;
    state: ChannelState;
    fallback: { alias: string; environment: string };
    panelProps: PanelProps | null;
    menu: MenuItem[];
    askEnd: () => void;
    mayEnd: boolean;
}

export function Header({ channel, state, fallback, panelProps, menu, askEnd, mayEnd }: HeaderProps) {
    const seat = state.seat;
    const environment = seat?.host.environment ?? fallback.environment;
    return (
        <header className="terminal-head" data-environment={environment}>
            <Button
                tone="quiet"
                icon="back"
                className="back"
                aria-label="Back to sessions"
                onClick={() => go("/sessions")}
            />
            <div className="terminal-name">
                <div className="terminal-alias">
                    <h1 data-testid="terminal-alias">{inert(seat?.host.alias ?? fallback.alias, 80)}</h1>
                    <EnvironmentLabel environment={environment} />
                </div>
                <div className="terminal-facts">
                    {seat && <RecordingLight seat={seat} />}
                    {!state.ending && <LinkQuality />}
                    {seat?.title && (
                        <span className="terminal-title" title={inert(seat.title)}>{inert(seat.title, 120)}</span>
                    )}
                </div>
            </div>
            {!state.ending && mayTake(seat) && (
                <Button icon="hand" className="take-button" data-testid="take-keyboard" onClick={channel.takeKeyboard}>
                    Take it
                </Button>
            )}
            {seat && !state.ending && <KeyboardChip channel={channel} seat={seat} />}
            {panelProps && <PanelButtons props={panelProps} />}
            {seat && !state.ending && mayEnd && (
                <Button icon="power" className="end-button" data-testid="end-session" onClick={askEnd}>End</Button>
            )}
            <Menu label="Terminal menu" items={menu} testid="terminal-menu" className="terminal-menu" />
        </header>
    );
}

const role = { control: "Keyboard", moderate: "Moderating", view: "Watching" } as const;

/** Whose keyboard it is: always in view, never colour alone. */
function KeyboardChip({ channel, seat }: { channel: TerminalChannel; seat: SeatView }) {
    const { holder } = seat.keyboard;
    const { you } = seat;
    const items: MenuItem[] = [];
    if (you.holder) {
        for (const other of seat.seats) {
            if (other.seatId === you.seatId || !other.connected || other.mode !== "control") continue;
            items.push({
                label: `Give it to ${inert(other.name, 30)}`,
                icon: "give",
                testid: "keyboard-give",
                run: () => channel.giveKeyboard(other.seatId),
            });
        }
        items.push({ label: "Release it", icon: "hand", testid: "keyboard-release", run: channel.releaseKeyboard });
    } else {
        if (you.mode === "control") {
            items.push({
                label: "Take the keyboard",
                icon: "hand",
                testid: "keyboard-take",
                run: channel.takeKeyboard,
            });
        }
        if (holder) {
            items.push({
                label: `Ask ${inert(holder.name, 30)} for it`,
                icon: "keyboard",
                testid: "keyboard-request",
                run: channel.requestKeyboard,
            });
        }
        if (items.length === 0) {
            items.push({
                label: "You are watching only",
                icon: "eye",
                run: () => undefined,
                disabled: true,
            });
        }
    }
    const label = you.holder ? "You" : holder ? inert(holder.name, 24) : "Nobody";
    return (
        <Menu
            label={`Keyboard: ${label}`}
            items={items}
            testid="keyboard-chip"
            className={`keyboard-chip ${you.holder ? "mine" : holder ? "theirs" : "free"}`}
        >
            <Icon name={you.mode === "control" ? "keyboard" : "eye"} />
            <span className="keyboard-words">
                <small>{role[you.mode]}</small>
                <b data-testid="keyboard-holder">{label}</b>
            </span>
            <Icon name="down" size={14} />
        </Menu>
    );
}

function RecordingLight({ seat }: { seat: SeatView }) {
    const now = useNow(1_000);
    if (!seat.recordingId) return null;
    const end = seat.endedAt ? new Date(seat.endedAt).getTime() : now;
    const length = clock((end - new Date(seat.startedAt).getTime()) / 1000);
    const label = seat.state === "paused" ? "Recording paused" : seat.state === "ended" ? "Recorded" : "Recording";
    return (
        <span
            className={`recording-light ${seat.state}`}
            data-testid="recording-indicator"
            title={`${label}, ${length}`}
        >
            <i aria-hidden="true" />
            <span className="recording-word">
                {seat.state === "paused" ? "REC paused" : seat.state === "ended" ? "Recorded" : "REC"}
            </span>
            <span className="tabular">{length}</span>
        </span>
    );
}

function LinkQuality() {
    const { phase, latency } = useLink();
    const quality = phase !== "open"
        ? "lost"
        : latency === null
        ? "unknown"
        : latency < 80
        ? "good"
        : latency < 250
        ? "fair"
        : "poor";
    const words = phase === "open"
        ? (latency === null ? "…" : `${latency} ms`)
        : phase === "connecting"
        ? "connecting"
        : "no link";
    return (
        <span className={`link-quality ${quality}`} title={`Link to the copilot: ${words}`} data-testid="link-quality">
            <i aria-hidden="true">
                <b />
                <b />
                <b />
            </i>
            <span className="tabular">{words}</span>
        </span>
    );
}
