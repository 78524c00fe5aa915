// The text of a macro: `systemctl restart {{service}}`, `{{service=nginx}}` with a value to begin with, and
// `{{filter:raw}}` for what is to be typed as it is. Every other value becomes one word of the shell.

export interface Placeholder {
    name: string;
    initial: string;
    isRaw: boolean;
}

const PATTERN = /\{\{\s*([\p{L}_][\p{L}\p{N}_ -]{0,40}?)\s*(:raw)?\s*(?:=([^{}]{0,200}))?\}\}/gu;

/** The placeholders of a text, each once, in the order in which they come. */
export function placeholders(text: string): Placeholder[] {
    const found = new Map<string, Placeholder>();
    for (const [, name = "", raw, initial] of text.matchAll(PATTERN)) {
        const before = found.get(name);
        found.set(name, {
            name,
            initial: before?.initial || (initial ?? ""),
            isRaw: (before?.isRaw ?? true) && raw !== undefined,
        });
    }
    return [...found.values()];
}

/** A value as one word of a POSIX shell; as it stands where nothing in it means anything to a shell. */
export function shellWord(value: string): string {
    if (/^[\w@%+=:,./-]+$/.test(value)) return value;
    return `'${value.replace(/'/g, `'\\''`)}'`;
}

/** What will be typed. */
export function filled(text: string, values: Readonly<Record<string, string>>): string {
    return text.replace(PATTERN, (_, name: string, raw: string | undefined) => {
        const value = (values[name] ?? "").replace(/[\x00-\x1f\x7f-\x9f]/g, " ");
        return raw === undefined ? shellWord(value) : value;
    });
}

export const isComplete = (text: string, values: Readonly<Record<string, string>>) =>
    placeholders(text).every(({ name }) => (values[name] ?? "") !== "");
