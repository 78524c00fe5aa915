import { useEffect } from "react";
import { Dialog } from "../ui/controls";
import { type Playback, SPEEDS } from "./playback";

export const PLAYER_KEYS: [string, string][] = [
    ["Space", "Play or pause"],
    ["← →", "5 seconds back or on; with Shift a tenth of the recording"],
    [", .", "Pause, and step by one output"],
    ["0 – 9", "To that tenth of the recording"],
    ["Home End", "To the beginning or the end"],
    ["[ ]", "To the marker before or after"],
    ["↑ ↓", "Faster or slower"],
    ["i", "Skip idle time, or not"],
    ["/", "Search in this recording"],
    ["n N", "To the next or the previous place that was found"],
    ["y", "Copy what is on the screen"],
    ["f", "Full screen"],
    ["?", "These keys"],
];

export function KeysHelp({ close }: { close: () => void }) {
    return (
        <Dialog title="Keys of the player" onClose={close} testid="player-keys">
            <dl className="key-list">
                {PLAYER_KEYS.map(([keys, what]) => (
                    <div key={keys}>
                        <dt>{keys.split(" ").map((key) => key === "–" ? "–" : <kbd key={key}>{key}</kbd>)}</dt>
                        <dd>{what}</dd>
                    </div>
                ))}
            </dl>
        </Dialog>
    );
}

export interface PlayerActions {
    toggleFull: () => void;
    help: () => void;
    search: () => void;
    copy: () => void;
    /** To the next or previous place that a search found. */
    found: (direction: 1 | -1) => void;
}

/** The keyboard, wherever the focus is, but for fields that one types into. */
export function usePlayerKeys(
    playback: Playback,
    actions: PlayerActions,
    duration: number,
    markers: { time: number }[],
) {
    useEffect(() => {
        const pressed = (event: KeyboardEvent) => {
            const target = event.target as HTMLElement;
            if (event.ctrlKey || event.metaKey || event.altKey || /^(select|textarea)$/i.test(target.tagName)) return;
            if (target.closest("dialog, [role=menu]")) return;
            const isRange = target instanceof HTMLInputElement && target.type === "range";
            if (target.tagName === "INPUT" && !isRange) return;
            if (event.key === " " && target.tagName === "BUTTON") return;
            if (act(event)) event.preventDefault();
        };
        const act = (event: KeyboardEvent): boolean => {
            const { position } = playback.state;
            const step = event.shiftKey ? duration / 10 : 5;
            switch (event.key) {
                case " ":
                    playback.toggle();
                    return true;
                case "ArrowLeft":
                    void playback.seek(position - step);
                    return true;
                case "ArrowRight":
                    void playback.seek(position + step);
                    return true;
                case ",":
                    void playback.step(-1);
                    return true;
                case ".":
                    void playback.step(1);
                    return true;
                case "Home":
                    void playback.seek(0);
                    return true;
                case "End":
                    void playback.seek(duration, false);
                    return true;
                case "[":
                    void playback.seek([...markers].reverse().find((one) => one.time < position - 0.5)?.time ?? 0);
                    return true;
                case "]":
                    void playback.seek(markers.find((one) => one.time > position + 0.1)?.time ?? duration);
                    return true;
                case "ArrowUp":
                case "ArrowDown": {
                    const index = SPEEDS.indexOf(playback.state.speed as (typeof SPEEDS)[number]) +
                        (event.key === "ArrowUp" ? 1 : -1);
                    playback.setSpeed(SPEEDS[Math.max(0, Math.min(SPEEDS.length - 1, index))] ?? 1);
                    return true;
                }
                case "i":
                    playback.setSkipsIdle(!playback.state.skipsIdle);
                    return true;
                case "f":
                    actions.toggleFull();
                    return true;
                case "/":
                    actions.search();
                    return true;
                case "n":
                    actions.found(1);
                    return true;
                case "N":
                    actions.found(-1);
                    return true;
                case "y":
                    actions.copy();
                    return true;
                case "?":
                    actions.help();
                    return true;
                default:
                    if (!/^[0-9]$/.test(event.key)) return false;
                    void playback.seek((duration * Number(event.key)) / 10);
                    return true;
            }
        };
        document.addEventListener("keydown", pressed);
        return () => document.removeEventListener("keydown", pressed);
    }, [playback, actions, duration, markers]);
}
