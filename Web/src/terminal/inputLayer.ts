import { difference, isComposedScript, SEED, shouldReseed } from "./inputDiff";
import { controlCharacter, type Modifiers, type NamedKey, namedKey, withModifiers } from "./keys";

export interface InputTarget {
    send(text: string): void;
    paste(text: string): void;
    /** The sticky modifiers of the key bar. */
    modifiers(): Modifiers;
    modifiersUsed(): void;
    applicationCursor(): boolean;
}

const physical: Record<string, NamedKey> = {
    Escape: "escape",
    Tab: "tab",
    Enter: "enter",
    Delete: "delete",
    Insert: "insert",
    ArrowUp: "up",
    ArrowDown: "down",
    ArrowLeft: "left",
    ArrowRight: "right",
    Home: "home",
    End: "end",
    PageUp: "pageUp",
    PageDown: "pageDown",
    F1: "f1",
    F2: "f2",
    F3: "f3",
    F4: "f4",
    F5: "f5",
    F6: "f6",
    F7: "f7",
    F8: "f8",
    F9: "f9",
    F10: "f10",
    F11: "f11",
    F12: "f12",
};

/**
 * The hidden field that on-screen keyboards type into. They announce no keys, only that the text is now another one, so
 * the layer compares texts; xterm.js 5.5's own field misses deletions and doubles words with such keyboards.
 */
export class InputLayer {
    private baseline = SEED;
    private isComposing = false;
    private readonly stop = new AbortController();

    constructor(readonly field: HTMLTextAreaElement, private readonly target: InputTarget) {
        const options = { signal: this.stop.signal };
        field.setAttribute("enterkeyhint", "enter");
        this.reseed();
        field.addEventListener("input", () => this.changed(), options);
        field.addEventListener("compositionstart", () => (this.isComposing = true), options);
        field.addEventListener("compositionend", () => {
            this.isComposing = false;
            this.changed();
        }, options);
        field.addEventListener("keydown", (event) => this.keyPressed(event), options);
        field.addEventListener("focus", () => this.reseed(), options);
        field.addEventListener("paste", (event) => {
            event.preventDefault();
            this.target.paste(event.clipboardData?.getData("text/plain") ?? "");
        }, options);
    }

    dispose() {
        this.stop.abort();
    }

    focus() {
        this.field.focus({ preventScroll: true });
    }

    private reseed() {
        this.field.value = SEED;
        this.baseline = SEED;
        this.field.setSelectionRange(SEED.length, SEED.length);
    }

    private changed() {
        const value = this.field.value;
        if (this.isComposing && isComposedScript(value)) return;
        const keys = difference(this.baseline, value);
        this.baseline = value;
        if (keys) this.emit(keys);
        if (shouldReseed(value, keys, this.isComposing)) this.reseed();
    }

    private emit(keys: string) {
        const modifiers = this.target.modifiers();
        const deletions = /^\x7f*/.exec(keys)?.[0] ?? "";
        const text = keys.slice(deletions.length);
        this.target.send(deletions + withModifiers(text, modifiers));
        if (text && (modifiers.control || modifiers.alt)) this.target.modifiersUsed();
    }

    /** Keys of a real keyboard, and those that on-screen keyboards do announce. */
    private keyPressed(event: KeyboardEvent) {
        if (event.isComposing || event.keyCode === 229 || event.metaKey) return;
        const sticky = this.target.modifiers();
        const modifiers = { control: event.ctrlKey || sticky.control, alt: event.altKey || sticky.alt };
        const named = physical[event.key];
        if (named) {
            event.preventDefault();
            const text = named === "tab" && event.shiftKey
                ? "\x1b[Z"
                : namedKey(named, modifiers, this.target.applicationCursor());
            this.target.send(text);
            if (sticky.control || sticky.alt) this.target.modifiersUsed();
            this.reseed();
            return;
        }
        if (event.key.length !== 1 || !(event.ctrlKey || event.altKey) || event.getModifierState("AltGraph")) return;
        if (event.ctrlKey && event.shiftKey) return;
        const text = event.ctrlKey ? controlCharacter(event.key) : event.key;
        if (text === null) return;
        event.preventDefault();
        this.target.send((event.altKey ? "\x1b" : "") + text);
    }
}
