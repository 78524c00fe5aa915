import type { SeatView } from "../api/types";

/** Whether the host may hear nothing now: nobody watches who has to, or somebody stopped the input. */
export const isStopped = ({ watch }: Pick<SeatView, "watch">): boolean =>
    watch.heldBy !== null || (watch.required && watch.watchers.length === 0);

export function stoppedSentence({ watch }: Pick<SeatView, "watch">): string {
    return watch.heldBy ? `${watch.heldBy.name} stopped the input of this session.` : "Nobody watches this session.";
}

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
