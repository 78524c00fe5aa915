import { useCallback, useEffect, useMemo, useRef, useState } from "react";
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

const encoder = new TextEncoder();

/** What a finger needs: the hidden field for the on-screen keyboard, the key bar, and gestures. */
export function TouchKeys({ parts, container, setOverlay }: {
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
        broadcast.type(channel, encoder.encode(text));
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
                broadcast.type(channel, encoder.encode(key.repeat(Math.min(10, Math.abs(lines)))));
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
                select={() => setOverlay({ kind: "select", text: bothTexts(screen) })}
                disabled={!channel.mayType}
            />
        </div>
    );
}
