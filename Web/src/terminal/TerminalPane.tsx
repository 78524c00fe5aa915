import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { api, asApiError } from "../api/client";
import { closeTerminal } from "../app/session";
import { changeSettings, store, toast, toastError, useMay, useStore } from "../app/store";
import { isDark } from "../app/theme";
import type { MenuItem } from "../ui/controls";
import { Button, copyText } from "../ui/controls";
import { Banners } from "./Banners";
import { TerminalChannel } from "./channel";
import { EndDialog, FindBar, LinkDialog, PasteDialog, PasteField, SelectSheet, ShortcutsDialog } from "./dialogs";
import { recogniseGestures } from "./gestures";
import { Header } from "./Header";
import { isTouch, terminalFont, useChannel, useLink } from "./hooks";
import { InputLayer } from "./inputLayer";
import { KeyBar, StickyModifiers } from "./KeyBar";
import { isAutomaticReport, namedKey, pasteBytes } from "./keys";
import { mayTake } from "./notices";
import { PeopleDrawer } from "./PeopleDrawer";
import { TerminalScreen } from "./screen";
import { darkTerminal, lightTerminal } from "./themes";

const encoder = new TextEncoder();
const SETTLE = 120;
const WAY_OUT = "Tab goes to the program in the terminal. Ctrl+Shift+M leaves the terminal.";
const HINT_FOR = 6_000;

interface Parts {
    screen: TerminalScreen;
    channel: TerminalChannel;
}

type Overlay =
    | { kind: "people" | "end" | "paste-field" | "find" | "shortcuts" }
    | { kind: "paste"; text: string }
    | { kind: "link"; uri: string }
    | { kind: "select"; text: { screen: string; all: string } };

const terminalTheme = () => {
    const { terminalTheme: chosen } = store.get().settings;
    return chosen === "dark" || (chosen === "follow" && isDark()) ? darkTerminal : lightTerminal;
};

const baseFontSize = () => (isTouch() ? store.get().settings.touchFontSize : store.get().settings.fontSize);

interface PaneProps {
    tab: { id: string; alias: string; environment: string };
    isActive: boolean;
    nextTab: (index: number) => void;
    onEnded: (id: string) => void;
}

/** One session on the page: builds its terminal and its seat, and takes both away again. */
export function TerminalPane({ tab, isActive, nextTab, onEnded }: PaneProps) {
    const container = useRef<HTMLDivElement>(null);
    const [parts, setParts] = useState<Parts | null>(null);
    const [overlay, setOverlay] = useState<Overlay | null>(null);
    const events = useRef({ overlay: setOverlay, nextTab });
    events.current = { overlay: setOverlay, nextTab };

    useEffect(() => {
        let made: Parts | null = null;
        let isGone = false;
        void terminalFont().then(() => {
            if (isGone || !container.current) return;
            made = makeParts(
                container.current,
                tab,
                (next) => events.current.overlay(next),
                (index) => events.current.nextTab(index),
            );
            setParts(made);
        });
        return () => {
            isGone = true;
            made?.channel.close();
            made?.screen.dispose();
        };
    }, [tab.id]);

    const isLight = useStore((s) => s.settings.terminalTheme) === "light" ||
        (store.get().settings.terminalTheme === "follow" && !isDark());
    return (
        <section
            className={`terminal-pane ${isLight ? "light-terminal" : ""}`}
            hidden={!isActive}
            aria-label={`Terminal ${tab.alias}`}
            aria-description={WAY_OUT}
            data-testid="terminal-pane"
        >
            {parts && (
                <PaneChrome
                    parts={parts}
                    tab={tab}
                    isActive={isActive}
                    container={container}
                    overlay={overlay}
                    setOverlay={setOverlay}
                    onEnded={onEnded}
                />
            )}
            <div className="terminal-room" ref={container} data-testid="terminal" />
            {parts && <WayOutHint screen={parts.screen} />}
            {parts && <FitButton screen={parts.screen} />}
            {parts && isTouch() && <TouchKeys parts={parts} container={container} setOverlay={setOverlay} />}
        </section>
    );
}

function makeParts(
    container: HTMLElement,
    tab: { id: string; alias: string },
    setOverlay: (overlay: Overlay) => void,
    nextTab: (index: number) => void,
): Parts {
    const screen = new TerminalScreen(container, {
        fontSize: baseFontSize(),
        theme: terminalTheme(),
        isTouch: isTouch(),
        screenReader: store.get().settings.screenReader,
        onData: (data) => {
            if (!isAutomaticReport(data) || channel.isHolder) channel.type(encoder.encode(data));
        },
        onBytes: (bytes) => {
            if (channel.isHolder) channel.type(bytes);
        },
        onLink: (uri) => setOverlay({ kind: "link", uri }),
        onClipboard: (text) =>
            toast(`${tab.alias} offers ${text.length} characters for your clipboard`, {
                hint: text.slice(0, 80),
                action: { label: "Copy", run: () => void copyText(text) },
            }),
    });
    const channel: TerminalChannel = new TerminalChannel(tab.id, screen, isTouch() ? "phone" : "desktop");
    takeShortcuts(screen, setOverlay, nextTab);
    const size = screen.capacity(baseFontSize()) ?? { columns: 80, rows: 24 };
    channel.open(size.columns, size.rows);
    return { screen, channel };
}

/** Keys that are the page's: all with Ctrl+Shift or Alt+digit, so that no plain control key is taken from the shell. */
function takeShortcuts(
    screen: TerminalScreen,
    setOverlay: (overlay: Overlay) => void,
    nextTab: (index: number) => void,
) {
    screen.terminal.attachCustomKeyEventHandler((event) => {
        if (event.type !== "keydown") return true;
        if (event.altKey && !event.ctrlKey && /^[1-9]$/.test(event.key) && store.get().openTerminals.length > 1) {
            event.preventDefault();
            nextTab(Number(event.key) - 1);
            return false;
        }
        if (event.shiftKey && !event.ctrlKey && (event.key === "PageUp" || event.key === "PageDown")) {
            const page = event.key === "PageUp" ? 1 - screen.terminal.rows : screen.terminal.rows - 1;
            return screen.moveRows(page) === page;
        }
        if (!event.ctrlKey || !event.shiftKey) return true;
        switch (event.key.toUpperCase()) {
            case "C":
                event.preventDefault();
                if (screen.terminal.hasSelection()) void copyText(screen.terminal.getSelection());
                return false;
            case "V":
                return false;
            case "F":
                event.preventDefault();
                setOverlay({ kind: "find" });
                return false;
            case "M":
                event.preventDefault();
                focusToolbar();
                return false;
            default:
                return true;
        }
    });
}

/** The way out of the terminal for a keyboard alone: Tab belongs to the shell. */
function focusToolbar() {
    const buttons = document.querySelectorAll<HTMLElement>(".terminal-pane:not([hidden]) .terminal-head button");
    [...buttons].find((button) => button.offsetParent !== null)?.focus();
}

interface ChromeProps {
    parts: Parts;
    tab: { id: string; alias: string; environment: string };
    isActive: boolean;
    container: React.RefObject<HTMLDivElement>;
    overlay: Overlay | null;
    setOverlay: (overlay: Overlay | null) => void;
    onEnded: (id: string) => void;
}

function PaneChrome({ parts, tab, isActive, container, overlay, setOverlay, onEnded }: ChromeProps) {
    const { screen, channel } = parts;
    const state = useChannel(channel);
    const isLost = useLink().phase === "lost";
    const settings = useStore((s) => s.settings);
    const mayEndAny = useMay("session.end");
    const me = useStore((s) => s.me?.user.id);
    const [isEnding, setEnding] = useState(false);
    useFit(parts, container, isActive);
    const isEnded = state.ending !== null;
    useEffect(() => {
        if (isEnded) onEnded(tab.id);
    }, [isEnded, onEnded, tab.id]);
    useEffect(() => screen.setTheme(terminalTheme()), [screen, settings.terminalTheme, settings.theme]);
    useEffect(() => {
        channel.show(isActive);
        if (isActive && !isTouch()) screen.terminal.focus();
    }, [channel, screen, isActive]);
    const isHolder = state.seat?.you.holder ?? false;
    useEffect(() => {
        if (isHolder && isActive && !isTouch()) screen.terminal.focus();
    }, [screen, isHolder, isActive]);
    useEffect(() => {
        container.current?.classList.toggle("lost", isLost && !state.ending);
    }, [container, isLost, state.ending]);

    const sendPaste = useCallback((text: string) => {
        channel.type(encoder.encode(pasteBytes(text, screen.isBracketedPaste)));
        if (!isTouch()) screen.terminal.focus();
    }, [channel, screen]);
    const paste = useCallback((text: string) => {
        if (!text) return;
        const asks = settings.confirmPaste && !screen.isBracketedPaste && /\r?\n[^]/.test(text.trimEnd()) &&
            channel.mayType;
        if (asks) setOverlay({ kind: "paste", text });
        else sendPaste(text);
    }, [channel, screen, settings.confirmPaste, sendPaste, setOverlay]);
    useEffect(() => {
        const element = container.current;
        const pasted = (event: ClipboardEvent) => {
            event.preventDefault();
            event.stopPropagation();
            paste(event.clipboardData?.getData("text/plain") ?? "");
        };
        element?.addEventListener("paste", pasted, true);
        return () => element?.removeEventListener("paste", pasted, true);
    }, [container, paste]);
    useEffect(() => {
        const open = (event: Event) => paste((event as CustomEvent<string>).detail);
        const element = container.current;
        element?.addEventListener("copilot-paste", open);
        return () => element?.removeEventListener("copilot-paste", open);
    }, [container, paste]);

    const menu = usePaneMenu(
        parts,
        tab.id,
        setOverlay,
        mayEndAny || state.seat?.owner.id === me,
        state.seat !== null && !isHolder,
        isEnded,
    );
    const end = async () => {
        setEnding(true);
        try {
            await api.endSession(tab.id);
            setOverlay(null);
        } catch (error) {
            toastError(asApiError(error));
        }
        setEnding(false);
    };
    const close = () => {
        setOverlay(null);
        if (!isTouch()) screen.terminal.focus();
    };

    return (
        <>
            <Header
                channel={channel}
                state={state}
                fallback={tab}
                menu={menu}
                mayEnd={mayEndAny || state.seat?.owner.id === me}
                openPeople={() => setOverlay({ kind: "people" })}
                askEnd={() => setOverlay({ kind: "end" })}
            />
            <Banners channel={channel} state={state} openPeople={() => setOverlay({ kind: "people" })} />
            {overlay?.kind === "find" && (
                <FindBar
                    onClose={() => {
                        screen.search.clearDecorations();
                        close();
                    }}
                    find={(text, forward) =>
                        forward
                            ? screen.search.findNext(text)
                            : screen.search.findPrevious(text, { incremental: true })}
                />
            )}
            {overlay?.kind === "people" && state.seat && (
                <PeopleDrawer channel={channel} seat={state.seat} onClose={close} />
            )}
            {overlay?.kind === "end" && (
                <EndDialog
                    alias={tab.alias}
                    busy={isEnding}
                    onEnd={() => void end()}
                    onClose={close}
                />
            )}
            {overlay?.kind === "link" && <LinkDialog uri={overlay.uri} onClose={close} />}
            {overlay?.kind === "select" && <SelectSheet text={overlay.text} onClose={close} />}
            {overlay?.kind === "shortcuts" && <ShortcutsDialog onClose={close} />}
            {overlay?.kind === "paste-field" && (
                <PasteField
                    onClose={close}
                    onPaste={(text) => {
                        close();
                        sendPaste(text);
                    }}
                />
            )}
            {overlay?.kind === "paste" && (
                <PasteDialog
                    text={overlay.text}
                    alias={tab.alias}
                    onClose={close}
                    onPaste={() => {
                        close();
                        sendPaste(overlay.text);
                    }}
                />
            )}
        </>
    );
}

function usePaneMenu(
    { screen }: Parts,
    id: string,
    setOverlay: (overlay: Overlay | null) => void,
    mayEnd: boolean,
    isWatching: boolean,
    isEnded: boolean,
): MenuItem[] {
    return useMemo(() => {
        const font = (step: number) =>
            changeFont(isWatching ? screen.stepLetters(step, baseFontSize()) : baseFontSize() + step);
        const items: MenuItem[] = [
            {
                label: isEnded ? "People" : "People and invite",
                icon: "people",
                run: () => setOverlay({ kind: "people" }),
                testid: "menu-people",
            },
            { label: "Find", icon: "search", run: () => setOverlay({ kind: "find" }) },
            {
                label: "Select and copy",
                icon: "select",
                run: () => setOverlay({ kind: "select", text: bothTexts(screen) }),
                testid: "menu-select",
            },
            { label: "Larger letters", icon: "type-larger", run: () => font(1), testid: "menu-larger" },
            { label: "Smaller letters", icon: "type-smaller", run: () => font(-1), testid: "menu-smaller" },
            ...keyboardItems(() => setOverlay({ kind: "shortcuts" })),
            {
                label: isEnded ? "Close" : "Leave, session goes on",
                icon: isEnded ? "close" : "sign-out",
                run: () => closeTerminal(id),
                testid: "menu-detach",
            },
        ];
        if (mayEnd && !isEnded) {
            items.push({
                label: "End session",
                icon: "power",
                danger: true,
                run: () => setOverlay({ kind: "end" }),
                testid: "menu-end",
            });
        }
        return items;
    }, [screen, id, mayEnd, isWatching, isEnded, setOverlay]);
}

const keyboardItems = (run: () => void): MenuItem[] =>
    isTouch() ? [] : [{ label: "Keys of the page", icon: "keyboard", run, testid: "menu-shortcuts" }];

const bothTexts = (screen: TerminalScreen) => ({ screen: screen.text(true), all: screen.text(false) });

function changeFont(size: number) {
    const clamped = Math.max(8, Math.min(28, Math.round(size)));
    changeSettings(isTouch() ? { touchFontSize: clamped } : { fontSize: clamped });
}

/** Keeps the terminal's size and the room it has in step: the holder asks for a size, everybody else shrinks the letters. */
function useFit({ screen, channel }: Parts, container: React.RefObject<HTMLDivElement>, isActive: boolean) {
    const { fontSize, touchFontSize } = useStore((s) => s.settings);
    const { seat } = useChannel(channel);
    const columns = seat?.columns;
    const isHolder = seat?.you.holder ?? false;
    useEffect(() => {
        if (!isActive) return;
        const fit = () => {
            const base = baseFontSize();
            const size = screen.capacity(base);
            if (!size) return;
            if (isHolder || columns === undefined) screen.useOwnSize(base);
            else screen.fitFont(base, columns);
            screen.align();
            channel.wishSize(size.columns, size.rows);
        };
        fit();
        let timer: ReturnType<typeof setTimeout> | null = null;
        // The on-screen keyboard slides: one size when it has settled, not twenty on the way.
        const observer = new ResizeObserver(() => {
            if (timer !== null) clearTimeout(timer);
            timer = setTimeout(fit, SETTLE);
        });
        if (container.current) observer.observe(container.current);
        return () => {
            observer.disconnect();
            if (timer !== null) clearTimeout(timer);
        };
    }, [screen, channel, container, isActive, isHolder, columns, fontSize, touchFontSize]);
}

/** Whoever comes into the terminal by Tab can't leave it by Tab: says how, for a while and to a screen reader. */
function WayOutHint({ screen }: { screen: TerminalScreen }) {
    const [isShown, setShown] = useState(false);
    useEffect(() => {
        const field = screen.terminal.textarea;
        if (!field) return;
        field.setAttribute("aria-description", WAY_OUT);
        const stop = new AbortController();
        let isTab = false;
        let timer: ReturnType<typeof setTimeout> | undefined;
        const options = { signal: stop.signal, capture: true };
        document.addEventListener("keydown", (event) => (isTab = event.key === "Tab"), options);
        document.addEventListener("pointerdown", () => (isTab = false), options);
        field.addEventListener("focus", () => {
            if (!isTab) return;
            setShown(true);
            clearTimeout(timer);
            timer = setTimeout(() => setShown(false), HINT_FOR);
        }, options);
        field.addEventListener("blur", () => setShown(false), options);
        return () => {
            stop.abort();
            clearTimeout(timer);
        };
    }, [screen]);
    return (
        <div className="fit-place">
            {isShown && (
                <p className="way-out" aria-hidden="true" data-testid="way-out">
                    <kbd>Ctrl+Shift+M</kbd> leaves the terminal
                </p>
            )}
        </div>
    );
}

/** A screen that is wider than its room comes into view as a whole by one tap. */
function FitButton({ screen }: { screen: TerminalScreen }) {
    const isWider = useSyncExternalStore((listener) => screen.onFit(listener), () => screen.isWider);
    if (!isWider) return null;
    return (
        <div className="fit-place">
            <Button small icon="expand" data-testid="fit-whole" onClick={() => screen.watch("whole", baseFontSize())}>
                Whole screen
            </Button>
        </div>
    );
}

/** What a finger needs: the hidden field for the on-screen keyboard, the key bar, and gestures. */
function TouchKeys({ parts, container, setOverlay }: {
    parts: Parts;
    container: React.RefObject<HTMLDivElement>;
    setOverlay: (overlay: Overlay | null) => void;
}) {
    const { screen, channel } = parts;
    const state = useChannel(channel);
    const field = useRef<HTMLTextAreaElement>(null);
    const layer = useRef<InputLayer | null>(null);
    const [isOpen, setOpen] = useState(false);
    useEffect(() => screen.setTyping(isOpen && channel.mayType), [screen, channel, isOpen, state.seat, state.ending]);
    const sticky = useMemo(() => new StickyModifiers(), []);
    const send = useCallback((text: string) => {
        screen.terminal.scrollToBottom();
        channel.type(encoder.encode(text));
    }, [channel, screen]);
    const paste = useCallback((text: string) => {
        container.current?.dispatchEvent(new CustomEvent("copilot-paste", { detail: text }));
    }, [container]);

    useEffect(() => {
        if (!field.current) return;
        layer.current = new InputLayer(field.current, {
            send,
            paste,
            modifiers: () => sticky.active,
            modifiersUsed: () => sticky.used(),
            applicationCursor: () => screen.applicationCursor,
        });
        return () => layer.current?.dispose();
    }, [screen, send, paste, sticky]);

    useEffect(() => {
        const element = container.current;
        if (!element) return;
        let start = baseFontSize();
        return recogniseGestures(element, {
            cellHeight: () => (screen.terminal.options.fontSize ?? 13) * 1.32,
            scroll: (wanted) => {
                const lines = screen.moveRows(wanted);
                if (lines === 0) return;
                if (screen.terminal.buffer.active.type === "normal") return screen.terminal.scrollLines(lines);
                if (!channel.mayType) return;
                const key = namedKey(
                    lines > 0 ? "down" : "up",
                    { control: false, alt: false },
                    screen.applicationCursor,
                );
                channel.type(encoder.encode(key.repeat(Math.min(10, Math.abs(lines)))));
            },
            pan: (pixels) => void (element.scrollLeft += pixels),
            pinchStart: () => (start = channel.isHolder ? baseFontSize() : screen.terminal.options.fontSize ?? 13),
            pinch: (scale) => {
                if (channel.isHolder) return screen.setFontSize(Math.max(8, Math.min(28, start * scale)));
                screen.watch(start * scale, baseFontSize());
            },
            pinchEnd: () => {
                if (channel.isHolder) changeFont(screen.terminal.options.fontSize ?? start);
            },
            tap: () => (channel.mayType ? layer.current?.focus() : undefined),
            longPress: () => setOverlay({ kind: "select", text: bothTexts(screen) }),
        });
    }, [screen, channel, container, setOverlay]);

    const pasteTapped = async () => {
        try {
            paste(await navigator.clipboard.readText());
        } catch {
            setOverlay({ kind: "paste-field" });
        }
    };
    const isWatching = state.seat?.you.mode === "view" || state.ending !== null;
    return (
        <div className="touch-keys" hidden={isWatching}>
            <textarea
                ref={field}
                className="input-layer"
                autoCapitalize="off"
                autoCorrect="off"
                autoComplete="off"
                spellCheck={false}
                aria-label="Terminal input"
                data-testid="terminal-input"
                tabIndex={-1}
                rows={1}
                onFocus={() => setOpen(true)}
                onBlur={() => setOpen(false)}
            />
            {mayTake(state.seat) && (
                <Button
                    small
                    icon="hand"
                    className="touch-take"
                    data-testid="touch-take-keyboard"
                    onClick={channel.takeKeyboard}
                >
                    Take the keyboard
                </Button>
            )}
            <KeyBar
                sticky={sticky}
                send={send}
                applicationCursor={() => screen.applicationCursor}
                isKeyboardOpen={isOpen}
                toggleKeyboard={() => (isOpen ? field.current?.blur() : layer.current?.focus())}
                paste={() => void pasteTapped()}
                select={() => setOverlay({ kind: "select", text: bothTexts(screen) })}
                disabled={!channel.mayType}
            />
        </div>
    );
}
