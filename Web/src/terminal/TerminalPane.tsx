import { type CSSProperties, useEffect, useRef, useState } from "react";
import { store, toast, useStore } from "../app/store";
import { isDark } from "../app/theme";
import { copyText } from "../ui/controls";
import { broadcast, useBroadcast } from "./broadcast";
import { TerminalChannel } from "./channel";
import { isTouch, terminalFont } from "./hooks";
import { isAutomaticReport } from "./keys";
import type { Rect } from "./layout";
import { baseFontSize, terminalTheme } from "./letters";
import { PaneChrome } from "./PaneChrome";
import { FitButton, WAY_OUT, WayOutHint } from "./paneHints";
import type { Overlay, Parts } from "./parts";
import { TerminalScreen } from "./screen";
import { focusPane } from "./tabs";
import { TouchKeys } from "./TouchKeys";

const encoder = new TextEncoder();

export interface PaneProps {
    tab: { id: string; alias: string; environment: string };
    /** Its place in the tab that is shown; null while another tab is. */
    rect: Rect | null;
    hasFocus: boolean;
    isAlone: boolean;
    /** Where the panel of the pane in focus goes. */
    panelSlot: HTMLElement | null;
    onEnded: (id: string) => void;
}

/** One session on the page: builds its terminal and its seat, and takes both away again. */
export function TerminalPane({ tab, rect, hasFocus, isAlone, panelSlot, onEnded }: PaneProps) {
    const container = useRef<HTMLDivElement>(null);
    const [parts, setParts] = useState<Parts | null>(null);
    const [overlay, setOverlay] = useState<Overlay | null>(null);
    const hears = useBroadcast().includes(tab.id);

    useEffect(() => {
        let made: Parts | null = null;
        let leave: () => void = () => undefined;
        let isGone = false;
        void terminalFont().then(() => {
            if (isGone || !container.current) return;
            made = makeParts(container.current, tab, setOverlay);
            leave = broadcast.join(made.channel);
            setParts(made);
        });
        return () => {
            isGone = true;
            leave();
            made?.channel.close();
            made?.screen.dispose();
        };
    }, [tab.id]);

    const isLight = useStore((s) => s.settings.terminalTheme) === "light" ||
        (store.get().settings.terminalTheme === "follow" && !isDark());
    const take = () => {
        if (!hasFocus) focusPane(tab.id);
    };
    return (
        <section
            className={`terminal-pane ${isLight ? "light-terminal" : ""}`}
            hidden={rect === null}
            style={rect ? place(rect) : undefined}
            aria-label={`Terminal ${tab.alias}`}
            aria-description={WAY_OUT}
            data-testid="terminal-pane"
            data-session={tab.id}
            data-focused={hasFocus}
            data-alone={isAlone}
            data-broadcast={hears}
            data-environment={tab.environment}
            onPointerDownCapture={take}
            onFocusCapture={take}
        >
            {parts && (
                <PaneChrome
                    parts={parts}
                    tab={tab}
                    isShown={rect !== null}
                    hasFocus={hasFocus}
                    isAlone={isAlone}
                    container={container}
                    overlay={overlay}
                    setOverlay={setOverlay}
                    panelSlot={panelSlot}
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

const place = ({ left, top, width, height }: Rect): CSSProperties => ({
    left: `${left}%`,
    top: `${top}%`,
    width: `${width}%`,
    height: `${height}%`,
});

function makeParts(
    container: HTMLElement,
    tab: { id: string; alias: string },
    setOverlay: (overlay: Overlay) => void,
): Parts {
    const screen = new TerminalScreen(container, {
        fontSize: baseFontSize(),
        theme: terminalTheme(),
        isTouch: isTouch(),
        screenReader: store.get().settings.screenReader,
        onData: (data) => {
            const bytes = encoder.encode(data);
            if (!isAutomaticReport(data)) broadcast.type(channel, bytes);
            else if (channel.isHolder) channel.type(bytes);
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
    takeKeys(screen);
    const size = screen.capacity(baseFontSize()) ?? { columns: 80, rows: 24 };
    channel.open(size.columns, size.rows);
    return { screen, channel };
}

/** Keys that the terminal's own box answers; those of the page are taken before they come here. */
function takeKeys(screen: TerminalScreen) {
    screen.terminal.attachCustomKeyEventHandler((event) => {
        if (event.type !== "keydown" || !event.shiftKey) return true;
        if (!event.ctrlKey && (event.key === "PageUp" || event.key === "PageDown")) {
            const page = event.key === "PageUp" ? 1 - screen.terminal.rows : screen.terminal.rows - 1;
            return screen.moveRows(page) === page;
        }
        // The browser pastes by itself when the terminal doesn't take the key.
        return !(event.ctrlKey && event.key.toUpperCase() === "V");
    });
}
