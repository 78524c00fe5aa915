import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { openPalette } from "../app/palette";
import { store } from "../app/store";
import { Button } from "../ui/controls";
import { broadcast } from "./broadcast";
import { recogniseGestures } from "./gestures";
import { useChannel } from "./hooks";
import { InputLayer } from "./inputLayer";
import { KeyBar, StickyModifiers } from "./KeyBar";
import { baseFontSize, changeFont } from "./letters";
import { namedKey } from "./keys";
import { mayTake } from "./notices";
import { bothTexts, type Overlay, type Parts } from "./parts";
import { stepTab } from "./tabs";

const encoder = new TextEncoder();
const plain = { control: false, alt: false };

/** What a finger needs: the hidden field for the on-screen keyboard, the key bar, and gestures. */
export function TouchKeys({ parts, container, setOverlay }: {
    parts: Parts;
    container: React.RefObject<HTMLDivElement>;
    setOverlay: (overlay: Overlay | null) => void;
}) {
    const { screen, channel, echo } = parts;
    const state = useChannel(channel);
    const field = useRef<HTMLTextAreaElement>(null);
    const layer = useRef<InputLayer | null>(null);
    const [isOpen, setOpen] = useState(false);
    useEffect(() => screen.setTyping(isOpen && channel.mayType), [screen, channel, isOpen, state.seat, state.ending]);
    const sticky = useMemo(() => new StickyModifiers(), []);
    const send = useCallback((text: string) => {
        screen.terminal.scrollToBottom();
        broadcast.type(channel, encoder.encode(text));
        if (channel.isHolder) echo.typed(text);
    }, [channel, screen, echo]);
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
        const arrow = (key: "up" | "down" | "left" | "right", count: number) => {
            if (channel.mayType) send(namedKey(key, plain, screen.applicationCursor).repeat(Math.min(10, count)));
        };
        return recogniseGestures(element, {
            cell: () => screen.cellSize ?? { width: 8, height: 17 },
            scroll: (wanted, at) => {
                const lines = screen.moveRows(wanted);
                if (lines === 0) return;
                if (screen.tracksMouse) {
                    for (let count = Math.min(10, Math.abs(lines)); count > 0; count--) {
                        screen.mouse(lines > 0 ? "wheel-down" : "wheel-up", at);
                    }
                    return;
                }
                if (screen.terminal.buffer.active.type === "normal") return screen.terminal.scrollLines(lines);
                arrow(lines > 0 ? "down" : "up", Math.abs(lines));
            },
            isWider: () => screen.isWider,
            pan: (pixels) => void (element.scrollLeft += pixels),
            moveCursor: (columns) => arrow(columns > 0 ? "right" : "left", Math.abs(columns)),
            pinchStart: () => (start = channel.isHolder ? baseFontSize() : screen.terminal.options.fontSize ?? 13),
            pinch: (scale) => {
                if (channel.isHolder) return screen.setFontSize(Math.max(8, Math.min(28, start * scale)));
                screen.watch(start * scale, baseFontSize());
            },
            pinchEnd: () => {
                if (channel.isHolder) changeFont(screen.terminal.options.fontSize ?? start);
            },
            switchTab: (step) => stepTab(channel.sessionId, step),
            tap: (at) => {
                if (!channel.mayType) return;
                if (screen.tracksMouse) screen.mouse("click", at);
                layer.current?.focus();
            },
            doubleTap: () => {
                if (!store.get().settings.doubleTapTab || !channel.mayType) return false;
                send("\t");
                return true;
            },
            longPress: (at) => setOverlay({ kind: "select", text: { ...bothTexts(screen), line: screen.lineAt(at) } }),
        });
    }, [screen, channel, container, send, setOverlay]);

    const pasteTapped = async () => {
        try {
            paste(await navigator.clipboard.readText());
        } catch {
            setOverlay({ kind: "paste-field" });
        }
    };
    const isWatching = (state.seat !== null && state.seat.you.mode !== "control") || state.ending !== null;
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
                macros={() => openPalette({ kind: "macros", session: channel.sessionId })}
                select={() => setOverlay({ kind: "select", text: bothTexts(screen) })}
                disabled={!channel.mayType}
            />
        </div>
    );
}
