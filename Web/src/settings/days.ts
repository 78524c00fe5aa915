export const MOST_DAYS = 36_500;

/** What is wrong with days as they were typed. */
export function daysProblem(text: string): string | null {
    const isRight = /^\d+$/.test(text.trim()) && Number(text) <= MOST_DAYS;
    return isRight ? null : `Whole days up to ${MOST_DAYS}; 0 is for ever.`;
}
