// What the terminal must be sent when an on-screen keyboard changed the text of the hidden field from one value to
// another: keyboards that predict, swipe and correct rewrite whole words, and only the difference tells what they meant.

/** Never visible and never sent; it lets a held Backspace find something to delete. */
export const SEED = "\u200b".repeat(32);

const DELETE = "\x7f";
const seed = /\u200b/gu;

/** The keys that turn `before` into `after` at the end of the line: deletions first, then the new text. */
export function difference(before: string, after: string): string {
    const old = [...before];
    const now = [...after];
    let same = 0;
    while (same < old.length && same < now.length && old[same] === now[same]) same++;
    const deletions = old.length - same;
    const inserted = now.slice(same).join("").replace(seed, "");
    return DELETE.repeat(deletions) + inserted.replace(/\r?\n/g, "\r");
}

/** Chinese, Japanese and Korean are composed in the keyboard and sent when chosen; everything else goes key by key. */
export function isComposedScript(text: string): boolean {
    return /[\u1100-\u11ff\u2e80-\u30ff\u3130-\u318f\u31f0-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff66-\uff9f]/u
        .test(text);
}

/** The field is emptied back to its seed after a line, or when it has grown long, but never under a composition. */
export function shouldReseed(value: string, sent: string, isComposing: boolean): boolean {
    if (isComposing) return false;
    return sent.includes("\r") || value.length > SEED.length + 64 || !value.startsWith(SEED.slice(0, 8));
}
