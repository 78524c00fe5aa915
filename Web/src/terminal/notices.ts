import type { SeatView } from "../api/types";

type Keyboard = Pick<SeatView, "you" | "keyboard">;

/** Whether this seat may have the keyboard that somebody else has now. */
export function mayTake(seat: Keyboard | null): boolean {
    return seat !== null && seat.you.mode === "control" && !seat.you.holder && seat.keyboard.holder !== null;
}

/** What to do first for whoever just got full control: typing alone never takes the keyboard from somebody. */
export function controlHint(seat: Keyboard): string {
    if (!mayTake(seat)) return "Type to begin.";
    return `${seat.keyboard.holder?.name} has the keyboard: take it to type.`;
}
