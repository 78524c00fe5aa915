/**
 * An agent's or a host's own text, as text alone: every character that could hide or turn something is shown as a mark, and
 * line ends stay line ends.
 */
export function Verbatim({ text, testid, label }: { text: string; testid?: string; label?: string }) {
    return (
        <pre className="verbatim" data-testid={testid} aria-label={label} dir="ltr">{visible(text)}</pre>
    );
}

const hidden = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]/gu;

/** Control characters by their pictures, others by their number. */
export function visible(text: string): string {
    return text.replace(hidden, (character) => {
        const code = character.codePointAt(0) ?? 0;
        if (code < 0x20) return String.fromCodePoint(0x2400 + code);
        if (code === 0x7f) return "\u2421";
        return `\u27e8U+${code.toString(16).toUpperCase().padStart(4, "0")}\u27e9`;
    });
}
