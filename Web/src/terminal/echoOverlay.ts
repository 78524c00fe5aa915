import { store } from "../app/store";
import { EchoPredictor, type EchoScreen } from "./prediction";
import type { TerminalScreen } from "./screen";
import { link } from "./socket";

/** Draws predicted letters over the terminal, underlined until the host has confirmed them. */
export class EchoOverlay {
    private readonly predictor = new EchoPredictor();
    private readonly layer = document.createElement("div");
    private readonly subscriptions: (() => void)[] = [];
    private timer: ReturnType<typeof setTimeout> | null = null;

    constructor(private readonly screen: TerminalScreen) {
        this.layer.className = "predicted";
        this.layer.setAttribute("aria-hidden", "true");
        screen.terminal.element?.querySelector(".xterm-screen")?.append(this.layer);
        const rendered = screen.terminal.onRender(() => this.look());
        const resized = screen.terminal.onResize(() => this.predictor.doubt());
        this.subscriptions = [
            () => rendered.dispose(),
            () => resized.dispose(),
            link.subscribe(() => this.predictor.setLatency(link.state.phase === "open" ? link.state.latency : null)),
        ];
    }

    dispose() {
        for (const end of this.subscriptions) end();
        if (this.timer !== null) clearTimeout(this.timer);
        this.layer.remove();
    }

    /** Called with what was sent by this person, when they may type. */
    typed(text: string) {
        if (!store.get().settings.predictEcho) return;
        this.predictor.typed(text, this.view(), performance.now());
        this.draw();
    }

    private look() {
        this.predictor.rendered(this.view(), performance.now());
        this.draw();
    }

    private draw() {
        const shown = this.predictor.shown;
        const { baseY, viewportY } = this.screen.terminal.buffer.active;
        const size = this.screen.cellSize;
        const cells = shown && size && viewportY === baseY ? shown.cells : [];
        this.layer.replaceChildren(...cells.map(({ x, y, text }) => {
            const element = document.createElement("span");
            element.textContent = text;
            element.style.cssText = `left:${x * (size?.width ?? 0)}px;top:${(y - baseY) * (size?.height ?? 0)}px;` +
                `width:${size?.width ?? 0}px;height:${size?.height ?? 0}px;line-height:${size?.height ?? 0}px;` +
                `font-size:${this.screen.terminal.options.fontSize ?? 14}px`;
            return element;
        }));
        this.layer.dataset.count = String(cells.length);
        if (this.timer !== null) clearTimeout(this.timer);
        const { deadline } = this.predictor;
        this.timer = deadline === null ? null : setTimeout(() => this.look(), Math.max(0, deadline - performance.now()));
    }

    private view(): EchoScreen {
        const { terminal } = this.screen;
        const buffer = terminal.buffer.active;
        return {
            columns: terminal.cols,
            cursor: { x: buffer.cursorX, y: buffer.baseY + buffer.cursorY },
            isAlternate: buffer.type === "alternate",
            cell: (x, y) => buffer.getLine(y)?.getCell(x)?.getChars() ?? "",
        };
    }
}
