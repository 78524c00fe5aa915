/** So much that nobody should think that they have seen the whole at one glance. */
const LONG = { characters: 700, lines: 14 };

/**
 * An agent's or a host's own text, as text alone: every character that could hide or turn something is shown as a mark, and
 * line ends stay line ends. Blanks without end, which would push the rest out of sight, are counted instead of shown.
 */
export function Verbatim({ text, testid, label }: { text: string; testid?: string; label?: string }) {
    const shown = plain(text);
    const lines = shown.split("\n").length;
    return (
        <>
            <pre className="verbatim" data-testid={testid} aria-label={label} dir="ltr">{shown}</pre>
            {(shown.length > LONG.characters || lines > LONG.lines) && (
                <p className="verbatim-long" data-testid="verbatim-long">
                    {lines} {lines === 1 ? "line" : "lines"}, {shown.length} characters: scroll to its end before you decide.
                </p>
            )}
        </>
    );
}

/** The same for places that have no frame of their own: marks for what hides, runs of blanks and of empty lines by their number. */
export const plain = (text: string): string =>
    visible(text)
        .replace(/[ \u00a0\u2000-\u200a\u3000]{12,}/g, (run) => `\u27e8${run.length} blanks\u27e9`)
        .replace(/\n(?:[ \t]*\n){3,}/g, (run) => `\n\u27e8${run.split("\n").length - 2} empty lines\u27e9\n`);

const hidden =
    /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb]|[\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]/gu;

/** Control characters by their pictures, others by their number. */
export function visible(text: string): string {
    return text.replace(hidden, (character) => {
        const code = character.codePointAt(0) ?? 0;
        if (code < 0x20) return String.fromCodePoint(0x2400 + code);
        if (code === 0x7f) return "\u2421";
        return `\u27e8U+${code.toString(16).toUpperCase().padStart(4, "0")}\u27e9`;
    });
}
