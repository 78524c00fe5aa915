// Touch on the terminal: one finger up and down scrolls with momentum (or sends arrows to a full-screen program), to the
// side it moves the cursor; two fingers pinch the letters, or swipe to the next tab; a long press opens the text for
// selection, a tap opens the keyboard.

export interface Point {
    x: number;
    y: number;
}

export interface GestureTarget {
    cell(): { width: number; height: number };
    /** Lines to scroll, positive towards newer output; where the finger is. */
    scroll(lines: number, at: Point): void;
    /** Whether there is more of the screen to the side; a finger to the side then moves the screen. */
    isWider(): boolean;
    /** Pixels to the side, for a screen that is wider than the phone. */
    pan(pixels: number): void;
    /** Columns to move the cursor, positive to the right. */
    moveCursor(columns: number): void;
    pinchStart(): void;
    /** Scale since the pinch began. */
    pinch(scale: number): void;
    pinchEnd(): void;
    /** To the tab before (-1) or after (1) this one. */
    switchTab(step: -1 | 1): void;
    tap(at: Point): void;
    doubleTap(at: Point): boolean;
    longPress(at: Point): void;
}

const LONG_PRESS = 450;
const SLOP = 8;
const FRICTION = 0.94;
const DOUBLE_TAP = 300;
/** Two fingers that come this much nearer to each other, or further apart, pinch; below it they may swipe. */
const PINCH = 0.12;
const TAB_SWIPE = 70;

const distance = (touches: TouchList) => {
    const [a, b] = [touches[0], touches[1]];
    return a && b ? Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY) : 0;
};
const middle = (touches: TouchList): Point => {
    const [a, b] = [touches[0], touches[1]];
    return a && b ? { x: (a.clientX + b.clientX) / 2, y: (a.clientY + b.clientY) / 2 } : { x: 0, y: 0 };
};

export function recogniseGestures(element: HTMLElement, target: GestureTarget): () => void {
    const recogniser = new GestureRecogniser(target);
    const stop = new AbortController();
    const options = { signal: stop.signal, capture: true, passive: false } as const;
    element.addEventListener("touchstart", (event) => recogniser.began(event), options);
    element.addEventListener("touchmove", (event) => recogniser.moved(event), options);
    element.addEventListener("touchend", (event) => recogniser.ended(event), options);
    element.addEventListener("touchcancel", (event) => recogniser.ended(event), options);
    return () => {
        recogniser.cancel();
        stop.abort();
    };
}

class GestureRecogniser {
    private start: Point | null = null;
    private last = { x: 0, y: 0, time: 0 };
    private direction: "none" | "vertical" | "horizontal" = "none";
    private speed = 0;
    /** What is left of a line or a column. */
    private rest = 0;
    private two: { spread: number; at: Point; kind: "undecided" | "pinch" | "swipe" } | null = null;
    private pressTimer: ReturnType<typeof setTimeout> | null = null;
    private frame = 0;
    private lastTap = -DOUBLE_TAP;

    constructor(private readonly target: GestureTarget) {}

    began(event: TouchEvent) {
        event.stopPropagation();
        this.cancel();
        if (event.touches.length === 2) {
            this.start = null;
            this.two = { spread: distance(event.touches), at: middle(event.touches), kind: "undecided" };
            return;
        }
        const touch = event.touches[0];
        if (!touch || event.touches.length > 1) return;
        this.start = { x: touch.clientX, y: touch.clientY };
        this.last = { x: touch.clientX, y: touch.clientY, time: event.timeStamp };
        this.speed = this.rest = 0;
        this.direction = "none";
        const at = this.start;
        this.pressTimer = setTimeout(() => {
            this.start = null;
            navigator.vibrate?.(10);
            this.target.longPress(at);
        }, LONG_PRESS);
    }

    moved(event: TouchEvent) {
        event.stopPropagation();
        event.preventDefault();
        if (this.two && event.touches.length === 2) return this.movedTwo(event.touches);
        const touch = event.touches[0];
        if (!touch || !this.start) return;
        const [dx, dy] = [touch.clientX - this.start.x, touch.clientY - this.start.y];
        if (this.direction === "none") {
            if (Math.hypot(dx, dy) < SLOP) return;
            this.cancelPress();
            // To the side must be meant: a thumb that scrolls goes in a bow.
            this.direction = Math.abs(dx) > 2 * Math.abs(dy) ? "horizontal" : "vertical";
        }
        const pixels = { x: this.last.x - touch.clientX, y: this.last.y - touch.clientY };
        const elapsed = Math.max(1, event.timeStamp - this.last.time);
        this.last = { x: touch.clientX, y: touch.clientY, time: event.timeStamp };
        if (this.target.isWider()) this.target.pan(pixels.x);
        else if (this.direction === "horizontal") return this.moveCursor(-pixels.x);
        this.speed = 0.6 * this.speed + 0.4 * (pixels.y / elapsed);
        this.scroll(pixels.y);
    }

    private movedTwo(touches: TouchList) {
        const two = this.two;
        if (!two || two.spread === 0) return;
        const scale = distance(touches) / two.spread;
        const moved = middle(touches).x - two.at.x;
        if (two.kind === "undecided") {
            if (Math.abs(scale - 1) > PINCH) {
                two.kind = "pinch";
                this.target.pinchStart();
            } else if (Math.abs(moved) > TAB_SWIPE) {
                two.kind = "swipe";
                this.target.switchTab(moved < 0 ? 1 : -1);
            }
        }
        if (two.kind === "pinch") this.target.pinch(scale);
    }

    ended(event: TouchEvent) {
        event.stopPropagation();
        this.cancelPress();
        if (this.two) {
            if (event.touches.length >= 2) return;
            if (this.two.kind === "pinch") this.target.pinchEnd();
            this.two = null;
            return;
        }
        if (!this.start) return;
        if (this.direction === "none" && event.type === "touchend") {
            event.preventDefault();
            this.tapped(this.start, event.timeStamp);
        } else if (this.direction === "vertical" && Math.abs(this.speed) > 0.2 && !prefersStillness()) {
            this.frame = requestAnimationFrame(this.glide);
        }
        this.start = null;
    }

    private tapped(at: Point, time: number) {
        const isDouble = time - this.lastTap < DOUBLE_TAP;
        this.lastTap = isDouble ? -DOUBLE_TAP : time;
        if (isDouble && this.target.doubleTap(at)) return;
        this.target.tap(at);
    }

    private scroll(pixels: number) {
        this.rest += pixels / this.target.cell().height;
        const lines = Math.trunc(this.rest);
        this.rest -= lines;
        if (lines !== 0) this.target.scroll(lines, this.last);
    }

    private moveCursor(pixels: number) {
        this.rest += pixels / this.target.cell().width;
        const columns = Math.trunc(this.rest);
        this.rest -= columns;
        if (columns !== 0) this.target.moveCursor(columns);
    }

    private readonly glide = () => {
        this.speed *= FRICTION;
        if (Math.abs(this.speed) < 0.02) return;
        this.scroll(this.speed * 16);
        this.frame = requestAnimationFrame(this.glide);
    };

    cancel() {
        this.cancelPress();
        cancelAnimationFrame(this.frame);
    }

    private cancelPress() {
        if (this.pressTimer !== null) clearTimeout(this.pressTimer);
        this.pressTimer = null;
    }
}

const prefersStillness = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
