export const MOST_MINUTES = 7 * 24 * 60;

/** What is wrong with minutes as they were typed: nothing is guessed, since an empty field is no number. */
export function minutesProblem(text: string, least: number): string | null {
    const isRight = /^\d+$/.test(text.trim()) && Number(text) >= least && Number(text) <= MOST_MINUTES;
    return isRight ? null : `Whole minutes, from ${least} to ${MOST_MINUTES}.`;
}
