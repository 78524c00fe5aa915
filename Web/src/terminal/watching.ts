// How large the letters are for somebody who watches a screen of another person's width.

/** Below this many pixels letters can't be read: the screen is moved to and fro instead of being shrunk further. */
export const READABLE = 9;
export const SMALLEST = 3;
export const LARGEST = 28;

/** By itself as large as can be read, the whole width in view, or a size of the person's own. */
export type WatchedLetters = "readable" | "whole" | number;

/** @param fitting the size at which all columns are in view */
export function watchedSize(letters: WatchedLetters, chosen: number, fitting: number): number {
    const whole = Math.max(SMALLEST, Math.min(chosen, fitting));
    if (letters === "whole") return whole;
    if (letters === "readable") return Math.max(whole, Math.min(READABLE, chosen));
    return Math.max(whole, Math.min(LARGEST, letters));
}

/** One step larger or smaller; letters with room to spare change the size that the person has chosen. */
export function steppedLetters(
    letters: WatchedLetters,
    step: number,
    chosen: number,
    fitting: number,
): { letters: WatchedLetters; chosen: number } {
    const shown = watchedSize(letters, chosen, fitting);
    const next = Math.round(shown) + step;
    if (next > fitting) return { letters: Math.min(LARGEST, next), chosen };
    if (shown > fitting || shown < chosen) return { letters: "whole", chosen };
    return { letters: "readable", chosen: next };
}

/** Where a screen that is wider than its room has to be scrolled to, so that the cursor is in view. */
export function followedLeft(left: number, room: number, cursor: number, cell: number): number {
    if (cursor >= left && cursor + 2 * cell <= left + room) return left;
    return cursor + 2 * cell <= room ? 0 : Math.max(0, cursor - Math.round(room * 0.7));
}

/** How much of a row is left over at the top of a room that is lower than its screen. */
export function cutOfRow(room: number, rows: number, cell: number): number {
    return rows * cell <= room + 0.5 ? 0 : room - Math.floor(room / cell + 0.01) * cell;
}

/** The first row to show of a screen that is higher than its room, so that the cursor's row is in view. */
export function followedRow(first: number, visible: number, cursor: number): number {
    if (cursor >= first && cursor < first + visible) return first;
    return cursor < visible ? 0 : cursor - Math.floor(visible * 0.7);
}
