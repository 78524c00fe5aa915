/** How well a text answers what was typed: each word of it, in any order, as letters that follow one another; 0 is not at all. */
export function fuzzyScore(text: string, typed: string): number {
    const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
    if (words.length === 0) return 1;
    let sum = 0;
    for (const word of words) {
        const score = wordScore(text.toLowerCase(), word);
        if (score === 0) return 0;
        sum += score;
    }
    return sum / words.length;
}

const START = /[\s\-_./@:]/;

/** Whole words are best, their beginnings next, letters that are spread over the text last. */
function wordScore(text: string, word: string): number {
    const at = text.indexOf(word);
    if (at >= 0) return 60 + (at === 0 || START.test(text[at - 1] ?? "") ? 30 : 0) + 10 * word.length / text.length;
    let position = -1;
    let score = 40;
    for (const letter of word) {
        const next = text.indexOf(letter, position + 1);
        if (next < 0) return 0;
        const isStart = next === 0 || START.test(text[next - 1] ?? "");
        if (position >= 0 && next > position + 1 && !isStart) score -= Math.min(8, next - position - 1);
        position = next;
    }
    return Math.max(1, score);
}
