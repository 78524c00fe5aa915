// What keys send. Arrows and Home/End depend on the mode that the program has asked for (DECCKM).

export interface Modifiers {
    control: boolean;
    alt: boolean;
}

export type NamedKey =
    | "escape"
    | "tab"
    | "enter"
    | "backspace"
    | "delete"
    | "insert"
    | "up"
    | "down"
    | "left"
    | "right"
    | "home"
    | "end"
    | "pageUp"
    | "pageDown"
    | "f1"
    | "f2"
    | "f3"
    | "f4"
    | "f5"
    | "f6"
    | "f7"
    | "f8"
    | "f9"
    | "f10"
    | "f11"
    | "f12";

const cursor: Partial<Record<NamedKey, string>> = { up: "A", down: "B", right: "C", left: "D", home: "H", end: "F" };
const tilde: Partial<Record<NamedKey, number>> = {
    insert: 2,
    delete: 3,
    pageUp: 5,
    pageDown: 6,
    f5: 15,
    f6: 17,
    f7: 18,
    f8: 19,
    f9: 20,
    f10: 21,
    f11: 23,
    f12: 24,
};
const ss3: Partial<Record<NamedKey, string>> = { f1: "P", f2: "Q", f3: "R", f4: "S" };

export function namedKey(key: NamedKey, modifiers: Modifiers, applicationCursor: boolean): string {
    const modifier = 1 + (modifiers.alt ? 2 : 0) + (modifiers.control ? 4 : 0);
    const letter = cursor[key];
    if (letter) {
        if (modifier > 1) return `\x1b[1;${modifier}${letter}`;
        return applicationCursor ? `\x1bO${letter}` : `\x1b[${letter}`;
    }
    const number = tilde[key];
    if (number) return modifier > 1 ? `\x1b[${number};${modifier}~` : `\x1b[${number}~`;
    const final = ss3[key];
    if (final) return modifier > 1 ? `\x1b[1;${modifier}${final}` : `\x1bO${final}`;
    const plain = key === "escape"
        ? "\x1b"
        : key === "tab"
        ? "\t"
        : key === "enter"
        ? "\r"
        : modifiers.control
        ? "\b"
        : "\x7f";
    return modifiers.alt ? `\x1b${plain}` : plain;
}

/** Text under sticky Ctrl and Alt: Ctrl turns its first character into a control character, Alt puts Escape before it. */
export function withModifiers(text: string, modifiers: Modifiers): string {
    if (!text || (!modifiers.control && !modifiers.alt)) return text;
    const first = String.fromCodePoint(text.codePointAt(0) ?? 0);
    const rest = text.slice(first.length);
    const sent = modifiers.control ? controlCharacter(first) ?? first : first;
    return (modifiers.alt ? "\x1b" : "") + sent + rest;
}

export function controlCharacter(character: string): string | null {
    const code = character.toUpperCase().charCodeAt(0);
    if (character.length === 1 && code >= 0x40 && code <= 0x5f) return String.fromCharCode(code & 0x1f);
    if (character === " " || character === "2") return "\0";
    if (character === "?" || character === "8") return "\x7f";
    if (character === "/" || character === "7") return "\x1f";
    if (character >= "3" && character <= "6") return String.fromCharCode(0x1b + Number(character) - 3);
    return null;
}

/** Pasted text as keys: line ends become Enter, and no control byte but Tab gets through, so that a paste can't escape its brackets. */
export function pasteBytes(text: string, isBracketed: boolean): string {
    // A paste is text; Escape in it is an attack or an accident.
    const clean = text.replace(/\r?\n/g, "\r").replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/g, "");
    return isBracketed ? `\x1b[200~${clean}\x1b[201~` : clean;
}

/** How many lines a person sees in a text: the line end after the last one begins no other. */
export function lineCount(text: string): number {
    return text.replace(/\r?\n$/, "").split(/\r?\n/).length;
}

/** Reports that a terminal makes by itself: they are nobody's typing and never take the keyboard. */
export function isAutomaticReport(data: string): boolean {
    return data === "\x1b[I" || data === "\x1b[O" || /^\x1b\[(<|M)/.test(data);
}
