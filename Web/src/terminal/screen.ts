import { WebLinksAddon } from "@xterm/addon-web-links";
import { type ITheme, Terminal } from "@xterm/xterm";
import { characterProperties, codePointWidth } from "./widths";
import type { OutputSink } from "./channel";
import { fitted } from "./fitting";
import { followOutput } from "./following";
import { ScrollbackSearch } from "./scrollbackSearch";
import { cutOfRow, followedLeft, followedRow, steppedLetters, type WatchedLetters, watchedSize } from "./watching";

export interface ScreenOptions {
    fontSize: number;
    theme: ITheme;
    /** Display only: keys come from the page's own input layer. */
    isTouch: boolean;
    screenReader: boolean;
    onData: (data: string) => void;
    /** Mouse reports of an old kind that are no text. */
    onBytes: (bytes: Uint8Array) => void;
    onLink: (uri: string) => void;
    onClipboard: (text: string) => void;
    onBell?: () => void;
}

const CLIPBOARD_LIMIT = 100 * 1024;
export const TERMINAL_FONT = '"JetBrains Mono", ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace';

/** An xterm.js that shows what the server says and answers nothing by itself. */
export class TerminalScreen implements OutputSink {
    readonly terminal: Terminal;
    readonly search: ScrollbackSearch;

    private isGone = false;
    private readonly following: { dispose(): void };
    private readonly scrolled = () => this.moved();
    private readonly wheeled = (event: WheelEvent) => {
        if (event.ctrlKey || event.shiftKey || event.deltaY === 0) return;
        if (this.moveRows(Math.sign(event.deltaY) * 3) === Math.sign(event.deltaY) * 3) return;
        event.preventDefault();
        event.stopPropagation();
    };

    constructor(private readonly container: HTMLElement, private readonly options: ScreenOptions) {
        this.terminal = new Terminal({
            allowProposedApi: true,
            cursorBlink: false,
            cursorInactiveStyle: "outline",
            disableStdin: options.isTouch,
            fontFamily: TERMINAL_FONT,
            fontSize: options.fontSize,
            fontWeightBold: 700,
            lineHeight: 1,
            minimumContrastRatio: 4.5,
            scrollback: 5_000,
            screenReaderMode: options.screenReader,
            theme: options.theme,
            linkHandler: { activate: (_, uri) => options.onLink(uri), allowNonHttpProtocols: true },
        });
        useOwnWidths(this.terminal);
        stayQuiet(this.terminal);
        this.terminal.parser.registerOscHandler(52, (data) => this.clipboardAsked(data));
        this.search = new ScrollbackSearch(this.terminal);
        this.terminal.loadAddon(new WebLinksAddon((_, uri) => options.onLink(uri)));
        this.setTheme(options.theme);
        this.terminal.open(container);
        // xterm.js draws no cursor before it first gets the focus, which on a phone it never gets: keys go into another
        // field. Choosing the screen that it shows anyway makes it draw one.
        this.terminal.write("\x1b[?47l");
        this.following = followOutput(this.terminal);
        this.terminal.onRender(() => this.followCursor());
        container.addEventListener("scroll", this.scrolled, { passive: true });
        container.addEventListener("wheel", this.wheeled, { capture: true, passive: false });
        this.terminal.onData(options.onData);
        this.terminal.onBell(() => options.onBell?.());
        this.terminal.onBinary((data) =>
            options.onBytes(Uint8Array.from(data, (character) => character.charCodeAt(0)))
        );
        if (!options.isTouch) void useGraphicsCard(this.terminal);
    }

    dispose() {
        this.following.dispose();
        this.container.removeEventListener("scroll", this.scrolled);
        this.container.removeEventListener("wheel", this.wheeled, { capture: true });
        this.isGone = true;
        this.terminal.element?.remove();
        // What is still to be parsed, and what xterm.js has then asked the browser for the next frame, would find a
        // terminal without a renderer.
        const soon = (then: () => void) => void requestAnimationFrame(() => requestAnimationFrame(then));
        this.terminal.write("", () => soon(() => this.terminal.dispose()));
    }

    // Everything goes through the parser's queue, so that a reset or a new size takes place between exactly the bytes
    // that it came between.

    restore(columns: number, rows: number, bytes: Uint8Array, done: () => void) {
        if (this.isGone) return;
        this.terminal.write("\x1bc", () => this.resizeNow(columns, rows));
        this.terminal.write(bytes, done);
    }

    write(bytes: Uint8Array, done: () => void) {
        if (this.isGone) return;
        this.terminal.write(bytes, done);
    }

    resize(columns: number, rows: number) {
        if (this.isGone) return;
        this.terminal.write("", () => this.resizeNow(columns, rows));
    }

    private resizeNow(columns: number, rows: number) {
        if (this.isGone) return;
        this.terminal.resize(columns, rows);
        this.align();
    }

    /** How many cells of the given font size fit, or null while the terminal is not shown. */
    capacity(fontSize: number): { columns: number; rows: number } | null {
        const cell = this.cell();
        const { width, height } = this.room();
        if (!cell || width < 40 || height < 40) return null;
        const scale = fontSize / (this.terminal.options.fontSize ?? fontSize);
        return {
            columns: Math.max(10, Math.min(500, Math.floor(width / (cell.width * scale)))),
            rows: Math.max(3, Math.min(300, Math.floor(height / (cell.height * scale)))),
        };
    }

    /** How somebody who doesn't hold the keyboard looks at the holder's screen. */
    watched: WatchedLetters = "readable";
    /** Whether the screen is wider than its room. */
    isWider = false;
    private fitting = 0;
    private shownAt = { left: 0, top: 0 };
    private followsCursor = true;
    private readonly fitListeners = new Set<() => void>();

    onFit(listener: () => void): () => void {
        this.fitListeners.add(listener);
        return () => void this.fitListeners.delete(listener);
    }

    /** Whoever doesn't hold the keyboard sees the holder's size: the letters shrink for it as long as they can be read. */
    fitFont(fontSize: number, columns: number) {
        const cell = this.cell();
        const { width } = this.room();
        if (!cell || width < 40) return;
        const perPoint = cell.width / (this.terminal.options.fontSize ?? fontSize);
        this.fitting = Math.floor((width / columns / perPoint) * 4) / 4;
        const shown = watchedSize(this.watched, fontSize, this.fitting);
        this.setWider(shown > this.fitting);
        this.setFontSize(shown);
    }

    watch(letters: WatchedLetters, fontSize: number) {
        this.watched = letters;
        this.fitFont(fontSize, this.terminal.cols);
        this.followCursor();
    }

    /** One step larger or smaller for a watcher; answers the size that the person's own setting should be now. */
    stepLetters(step: number, fontSize: number): number {
        const next = steppedLetters(this.watched, step, fontSize, this.fitting);
        this.watch(next.letters, next.chosen);
        return next.chosen;
    }

    /** The holder's letters have the size that the person chose. */
    useOwnSize(fontSize: number) {
        this.watched = "readable";
        this.setWider(false);
        this.setFontSize(fontSize);
    }

    private setWider(isWider: boolean) {
        this.container.classList.toggle("wider", isWider);
        if (isWider === this.isWider) return;
        this.isWider = isWider;
        this.followsCursor = true;
        for (const listener of [...this.fitListeners]) listener();
    }

    /** What is hidden of a row at the top of a room that is lower than the screen. */
    private cut = 0;
    /** All of it is in view, so nothing is to be moved, whatever its layout's size is before scaling. */
    private isScaled = false;

    /** A screen that is higher than its room, under a banner say, shows whole rows only. */
    align() {
        const cell = this.cell();
        const { height } = this.room();
        if (!cell || height < cell.height || this.isScaled) return;
        const rest = cutOfRow(height, this.terminal.rows, cell.height);
        if (Math.abs(rest - this.cut) < 0.1) return;
        this.cut = rest;
        if (rest === 0) this.followsCursor = true;
        this.container.style.setProperty("--cut", `${rest}px`);
        this.followCursor();
    }

    /** Moves a screen that is higher than its room; answers the lines that are left for the scrollback. */
    moveRows(lines: number): number {
        const cell = this.cell();
        if (!cell || lines === 0 || !this.isHigher) return lines;
        const before = this.container.scrollTop;
        this.container.scrollTop = before + lines * cell.height;
        const moved = Math.round((this.container.scrollTop - before) / cell.height);
        return lines - moved;
    }

    /** Whoever moves a large screen away from its cursor looks at something else, until the cursor is in view again. */
    private moved() {
        const { scrollLeft, scrollTop } = this.container;
        if (Math.abs(scrollLeft - this.shownAt.left) < 1 && Math.abs(scrollTop - this.shownAt.top) < 1) return;
        this.shownAt = { left: scrollLeft, top: scrollTop };
        this.followsCursor = this.cursorLeft() === scrollLeft && this.cursorTop() === scrollTop;
    }

    private followCursor() {
        if (this.isScaled || !this.followsCursor || (!this.isWider && !this.isHigher)) return;
        const { container } = this;
        const [left, top] = [this.cursorLeft(), this.cursorTop()];
        if (left !== container.scrollLeft) container.scrollLeft = left;
        if (top !== container.scrollTop) container.scrollTop = top;
        this.shownAt = { left: container.scrollLeft, top: container.scrollTop };
    }

    private get isHigher(): boolean {
        return !this.isScaled && this.container.scrollHeight - this.container.clientHeight >= 1;
    }

    /** The room counts from its lower end: its last lines are at 0, everything above is negative. */
    private cursorTop(): number {
        const cell = this.cell()?.height ?? 0;
        const { cursorY, viewportY, baseY } = this.terminal.buffer.active;
        const { scrollTop } = this.container;
        if (!this.isHigher || cell === 0 || viewportY < baseY) return scrollTop;
        const { rows } = this.terminal;
        const visible = Math.floor(this.room().height / cell + 0.01);
        const first = rows - visible + Math.round(scrollTop / cell);
        const next = followedRow(first, visible, cursorY);
        return next === first ? scrollTop : (next - rows + visible) * cell;
    }

    private cursorLeft(): number {
        const cell = this.cell()?.width ?? 0;
        const cursor = this.terminal.buffer.active.cursorX * cell;
        return followedLeft(this.container.scrollLeft, this.room().width, cursor, cell);
    }

    /**
     * Keeps the whole screen in view, as large as its container allows and a letter of that size at most. Scaled, since
     * cells are whole pixels of the device: hundreds of columns, rounded one by one, would miss the edge by a few.
     */
    fitWhole(largest: number): { dispose(): void } {
        const element = this.terminal.element;
        const screen = element?.querySelector<HTMLElement>(".xterm-screen");
        if (!element || !screen) return { dispose: () => undefined };
        this.isScaled = true;
        this.cut = 0;
        this.container.style.removeProperty("--cut");
        this.container.scrollTo(0, 0);
        const fit = () => {
            const place = fitted(
                { width: screen.offsetWidth, height: screen.offsetHeight },
                this.room(),
                largest / (this.terminal.options.fontSize ?? largest),
            );
            if (!place) return;
            const style = getComputedStyle(this.container);
            element.style.left = `${parseFloat(style.paddingLeft) + place.left}px`;
            element.style.top = `${parseFloat(style.paddingTop) + place.top}px`;
            element.style.width = `${screen.offsetWidth}px`;
            element.style.transform = `scale(${place.scale})`;
        };
        // The screen's own size follows the recording a little later than the call that changes it.
        const observer = new ResizeObserver(fit);
        observer.observe(this.container);
        observer.observe(screen);
        return { dispose: () => observer.disconnect() };
    }

    setFontSize(fontSize: number) {
        if (this.terminal.options.fontSize !== fontSize) this.terminal.options.fontSize = fontSize;
    }

    /** On a phone the focus is on the page's own field: the cursor is full while that has it, an outline otherwise. */
    setTyping(isTyping: boolean) {
        this.terminal.options.cursorInactiveStyle = isTyping ? "block" : "outline";
    }

    setTheme(theme: ITheme) {
        if (theme.background) this.container.style.setProperty("--ground", theme.background);
        this.terminal.options.theme = theme;
    }

    get isBracketedPaste(): boolean {
        return this.terminal.modes.bracketedPasteMode;
    }

    get applicationCursor(): boolean {
        return this.terminal.modes.applicationCursorKeysMode;
    }

    /** Whether the program in the terminal wants to know what the mouse does. */
    get tracksMouse(): boolean {
        return this.terminal.modes.mouseTrackingMode !== "none";
    }

    /** A finger as the program's mouse: xterm.js knows in which form the program wants to hear of it. */
    mouse(kind: "click" | "wheel-up" | "wheel-down", at: { x: number; y: number }) {
        const element = this.terminal.element?.querySelector<HTMLElement>(".xterm-screen") ?? null;
        if (!element) return;
        const place = { clientX: at.x, clientY: at.y, bubbles: true, cancelable: true };
        // On a phone xterm.js takes no input of its own, which includes the mouse: it does for this one event.
        const isClosed = this.terminal.options.disableStdin;
        this.terminal.options.disableStdin = false;
        if (kind === "click") {
            for (const type of ["mousedown", "mouseup"]) {
                element.dispatchEvent(new MouseEvent(type, { ...place, button: 0, buttons: type === "mousedown" ? 1 : 0 }));
            }
        } else {
            const deltaY = kind === "wheel-up" ? -1 : 1;
            element.dispatchEvent(new WheelEvent("wheel", { ...place, deltaY, deltaMode: WheelEvent.DOM_DELTA_LINE }));
        }
        this.terminal.options.disableStdin = isClosed;
    }

    /** The whole line at this place of the page, wrapped rows joined. */
    lineAt(at: { x: number; y: number }): string {
        const box = this.terminal.element?.querySelector(".xterm-screen")?.getBoundingClientRect();
        const height = this.cell()?.height ?? 0;
        if (!box || height === 0) return "";
        const buffer = this.terminal.buffer.active;
        let row = buffer.viewportY + Math.max(0, Math.floor((at.y - box.top) / height));
        while (row > 0 && buffer.getLine(row)?.isWrapped) row -= 1;
        let text = buffer.getLine(row)?.translateToString(true) ?? "";
        while (buffer.getLine(row + 1)?.isWrapped) text += buffer.getLine(++row)?.translateToString(true) ?? "";
        return text;
    }

    /** Everything that can be read: scrollback and screen, wrapped lines joined. */
    text(onlyVisible: boolean): string {
        const buffer = this.terminal.buffer.active;
        const lines: string[] = [];
        const first = onlyVisible ? buffer.viewportY : 0;
        const last = onlyVisible ? buffer.viewportY + this.terminal.rows : buffer.length;
        for (let index = first; index < last; index++) {
            const line = buffer.getLine(index);
            if (!line) continue;
            const text = line.translateToString(true);
            if (line.isWrapped && lines.length > 0) lines[lines.length - 1] += text;
            else lines.push(text);
        }
        return lines.join("\n").replace(/\n+$/, "\n");
    }

    private room(): { width: number; height: number } {
        const style = getComputedStyle(this.container);
        const scrollbar = this.options.isTouch ? 0 : 10;
        return {
            width: this.container.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight) -
                scrollbar,
            height: this.container.clientHeight + this.cut - parseFloat(style.paddingTop) -
                parseFloat(style.paddingBottom),
        };
    }

    /** The size of a cell in CSS pixels; xterm.js has no public name for it, its own fit add-on reads the same place. */
    get cellSize(): { width: number; height: number } | null {
        return this.cell();
    }

    private cell(): { width: number; height: number } | null {
        const core = (this.terminal as unknown as {
            _core?: { _renderService?: { dimensions?: { css?: { cell?: { width: number; height: number } } } } };
        })._core;
        const cell = core?._renderService?.dimensions?.css?.cell;
        return cell && cell.width > 0 && cell.height > 0 ? cell : null;
    }

    /** OSC 52: reading the clipboard is never answered, writing asks the person. */
    private clipboardAsked(data: string): boolean {
        const content = data.slice(data.indexOf(";") + 1);
        if (content === "?" || content.length > CLIPBOARD_LIMIT) return true;
        try {
            const bytes = Uint8Array.from(atob(content), (character) => character.charCodeAt(0));
            const text = new TextDecoder().decode(bytes);
            if (text) this.options.onClipboard(text);
        } catch {
            // Not base64: nothing to offer.
        }
        return true;
    }
}

function useOwnWidths(terminal: Terminal) {
    terminal.unicode.register({
        version: "copilot",
        wcwidth: codePointWidth,
        charProperties: characterProperties,
    });
    terminal.unicode.activeVersion = "copilot";
}

/** The server's screen answers what a host asks its terminal; if each browser answered too, the shell would be typed into. */
function stayQuiet(terminal: Terminal) {
    const swallow = () => true;
    const { parser } = terminal;
    for (const prefix of ["", ">", "="]) parser.registerCsiHandler({ prefix, final: "c" }, swallow);
    for (const prefix of ["", "?"]) {
        parser.registerCsiHandler({ prefix, final: "n" }, swallow);
        parser.registerCsiHandler({ prefix, intermediates: "$", final: "p" }, swallow);
    }
    parser.registerCsiHandler({ prefix: ">", final: "q" }, swallow);
    parser.registerCsiHandler({ final: "x" }, swallow);
    parser.registerCsiHandler({ final: "t" }, swallow);
    parser.registerEscHandler({ final: "Z" }, swallow);
    parser.registerDcsHandler({ intermediates: "$", final: "q" }, swallow);
    parser.registerDcsHandler({ intermediates: "+", final: "q" }, swallow);
    for (const code of [4, 10, 11, 12]) parser.registerOscHandler(code, (data) => data.includes("?"));
}

/** WebGL where there is a real graphics card: in software it is slower than the page's own letters. */
async function useGraphicsCard(terminal: Terminal) {
    const probe = document.createElement("canvas").getContext("webgl2");
    const info = probe?.getExtension("WEBGL_debug_renderer_info");
    const renderer = info ? String(probe?.getParameter(info.UNMASKED_RENDERER_WEBGL)) : "";
    probe?.getExtension("WEBGL_lose_context")?.loseContext();
    if (!probe || /swiftshader|llvmpipe|software|basic render/i.test(renderer)) return;
    try {
        const { WebglAddon } = await import("@xterm/addon-webgl");
        const addon = new WebglAddon();
        addon.onContextLoss(() => addon.dispose());
        terminal.loadAddon(addon);
    } catch {
        // Without it the page's own letters stay.
    }
}
