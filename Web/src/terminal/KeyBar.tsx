import { type ReactNode, useEffect, useRef, useState } from "react";
import { useStore } from "../app/store";
import { Icon } from "../ui/Icon";
import { type Modifiers, type NamedKey, namedKey, withModifiers } from "./keys";

type Sticky = "off" | "once" | "locked";

/** The key bar's Ctrl and Alt: one tap for the next key, two to keep it down. */
export class StickyModifiers {
    private states: Record<"control" | "alt", Sticky> = { control: "off", alt: "off" };
    private lastTap = 0;
    onChange: () => void = () => undefined;

    get active(): Modifiers {
        return { control: this.states.control !== "off", alt: this.states.alt !== "off" };
    }

    state(which: "control" | "alt"): Sticky {
        return this.states[which];
    }

    tap(which: "control" | "alt", now: number) {
        const isDouble = now - this.lastTap < 350;
        this.lastTap = now;
        const before = this.states[which];
        this.states[which] = before === "off" ? "once" : before === "once" && isDouble ? "locked" : "off";
        this.onChange();
    }

    used() {
        for (const which of ["control", "alt"] as const) if (this.states[which] === "once") this.states[which] = "off";
        this.onChange();
    }
}

interface KeyBarProps {
    sticky: StickyModifiers;
    send: (text: string) => void;
    applicationCursor: () => boolean;
    isKeyboardOpen: boolean;
    toggleKeyboard: () => void;
    paste: () => void;
    select: () => void;
    macros: () => void;
    disabled: boolean;
}

const REPEAT_AFTER = 350;
const REPEAT_EVERY = 65;

export function KeyBar(props: KeyBarProps) {
    const { sticky, send, applicationCursor } = props;
    const [, redraw] = useState(0);
    const [page, setPage] = useState<"main" | "more">("main");
    const [hasControls, setControls] = useState(false);
    const barKeys = useStore((s) => s.settings.barKeys);
    useEffect(() => {
        sticky.onChange = () => redraw((count) => count + 1);
        return () => void (sticky.onChange = () => undefined);
    }, [sticky]);

    // Control held down opens what is typed with it most; a tap makes it sticky.
    const held = useRef(false);
    const holding = useRef<ReturnType<typeof setTimeout> | null>(null);
    const stopHolding = () => {
        if (holding.current !== null) clearTimeout(holding.current);
    };
    const hold = () => {
        held.current = false;
        holding.current = setTimeout(() => {
            held.current = true;
            navigator.vibrate?.(10);
            setControls(true);
        }, REPEAT_AFTER);
    };
    useEffect(() => stopHolding, []);

    const press = (key: NamedKey) => {
        send(namedKey(key, sticky.active, applicationCursor()));
        sticky.used();
    };
    const type = (text: string) => {
        send(withModifiers(text, sticky.active));
        sticky.used();
    };
    const named = (key: NamedKey, label: string, content: ReactNode = label, repeats = false) => (
        <Key
            key={key}
            label={label}
            act={() => press(key)}
            repeats={repeats}
            testid={`key-${key}`}
        >
            {content}
        </Key>
    );
    const character = (text: string) => (
        <Key key={text} label={text} act={() => type(text)} testid={`key-char-${text}`}>{text}</Key>
    );
    const control = (letter: string) => (
        <Key
            key={letter}
            label={`Control ${letter}`}
            act={() => send(withModifiers(letter, { control: true, alt: false }))}
            testid={`key-control-${letter.toLowerCase()}`}
        >
            ^{letter}
        </Key>
    );
    const modifier = (which: "control" | "alt", label: string) => (
        <button
            type="button"
            className="key modifier"
            data-sticky={sticky.state(which)}
            aria-pressed={sticky.state(which) !== "off"}
            data-testid={`key-${which}`}
            onPointerDown={(event) => {
                event.preventDefault();
                if (which === "control") hold();
            }}
            onMouseDown={keepFocus}
            onContextMenu={keepFocus}
            onClick={(event) => {
                if (which === "control" && held.current) return void (held.current = false);
                sticky.tap(which, event.timeStamp);
            }}
            onPointerUp={stopHolding}
            onPointerLeave={stopHolding}
            onPointerCancel={stopHolding}
        >
            {label}
        </button>
    );

    return (
        <div
            className="key-bar"
            role="toolbar"
            aria-label="Terminal keys"
            data-testid="key-bar"
            aria-disabled={props.disabled}
        >
            {hasControls && (
                <div className="key-row" role="group" aria-label="Control and a letter" data-testid="control-keys">
                    {["C", "D", "Z", "L", "R", "A", "E"].map(control)}
                    <Key label="Close these keys" act={() => setControls(false)} testid="control-keys-close">
                        <Icon name="close" />
                    </Key>
                </div>
            )}
            <div className="key-row">
                {named("escape", "Esc")}
                {named("tab", "Tab")}
                {modifier("control", "Ctrl")}
                {modifier("alt", "Alt")}
                {named("left", "Left", <Icon name="arrow-left" />, true)}
                {named("down", "Down", <Icon name="arrow-down" />, true)}
                {named("up", "Up", <Icon name="arrow-up" />, true)}
                {named("right", "Right", <Icon name="arrow-right" />, true)}
            </div>
            {page === "more" && (
                <div className="key-row scrolling">
                    <Key label="Macros" act={props.macros} testid="key-macros">
                        <Icon name="macro" />
                    </Key>
                    {["C", "D", "Z", "L", "R", "A", "E", "U", "W"].map(control)}
                    {[...barKeys].slice(4, 20).map(character)}
                    {named("home", "Home")}
                    {named("end", "End")}
                    {named("pageUp", "PgUp", "PgUp", true)}
                    {named("pageDown", "PgDn", "PgDn", true)}
                    {named("delete", "Del", "Del", true)}
                    {["_", "$", '"', "'", "\\", "*", "&", ";", "<", ">", "(", ")", "{", "}", "[", "]", "="].map(
                        character,
                    )}
                    {(["f1", "f2", "f3", "f4", "f5", "f6", "f7", "f8", "f9", "f10", "f11", "f12"] as const).map((key) =>
                        named(key, key.toUpperCase())
                    )}
                </div>
            )}
            <div className="key-row">
                {[...barKeys].slice(0, 4).map(character)}
                <Key label="Paste" act={props.paste} testid="key-paste">
                    <Icon name="paste" />
                </Key>
                <Key label="Select and copy" act={props.select} testid="key-select">
                    <Icon name="select" />
                </Key>
                <button
                    type="button"
                    className="key"
                    aria-expanded={page === "more"}
                    aria-label="More keys"
                    data-testid="key-more"
                    onPointerDown={keepFocus}
                    onMouseDown={keepFocus}
                    onClick={() => setPage(page === "more" ? "main" : "more")}
                >
                    <Icon name="more" />
                </button>
                <button
                    type="button"
                    className="key"
                    aria-pressed={props.isKeyboardOpen}
                    data-testid="key-keyboard"
                    aria-label={props.isKeyboardOpen ? "Hide the keyboard" : "Show the keyboard"}
                    onPointerDown={keepFocus}
                    onMouseDown={keepFocus}
                    onClick={props.toggleKeyboard}
                >
                    <Icon name={props.isKeyboardOpen ? "keyboard-hide" : "keyboard"} />
                </button>
            </div>
        </div>
    );
}

/** A tap on the bar must not take the focus from the input field, or the keyboard would close. */
function keepFocus(event: { preventDefault(): void }) {
    event.preventDefault();
}

function Key({ label, act, children, repeats, testid }: {
    label: string;
    act: () => void;
    children: ReactNode;
    repeats?: boolean;
    testid: string;
}) {
    const timer = useRef<ReturnType<typeof setTimeout> | null>(null);
    const action = useRef(act);
    action.current = act;
    const stop = () => {
        if (timer.current !== null) clearTimeout(timer.current);
        timer.current = null;
    };
    useEffect(() => stop, []);
    const again = () => {
        action.current();
        timer.current = setTimeout(again, REPEAT_EVERY);
    };
    return (
        <button
            type="button"
            className="key"
            aria-label={label}
            data-testid={testid}
            onMouseDown={keepFocus}
            onContextMenu={keepFocus}
            onPointerDown={(event) => {
                event.preventDefault();
                if (!repeats) return;
                action.current();
                stop();
                timer.current = setTimeout(again, REPEAT_AFTER);
            }}
            onPointerUp={stop}
            onPointerLeave={stop}
            onPointerCancel={stop}
            onClick={(event) => {
                // A key that repeats has acted when it went down; a click without a pointer comes from a keyboard or a reader.
                if (!repeats || event.detail === 0) action.current();
            }}
        >
            {children}
        </button>
    );
}
