// Touch on the terminal: one finger scrolls with momentum (or sends arrows to a full-screen program), two pinch the
// letters, a long press opens the text for selection, a tap opens the keyboard.

export interface GestureTarget {
    cellHeight(): number;
    /** Lines to scroll, positive towards newer output. */
    scroll(lines: number): void;
    pinchStart(): void;
    /** Scale since the pinch began. */
    pinch(scale: number): void;
    pinchEnd(): void;
    tap(): void;
    longPress(): void;
}

const LONG_PRESS = 450;
const SLOP = 8;
const FRICTION = 0.94;

export function recogniseGestures(element: HTMLElement, target: GestureTarget): () => void {
    const stop = new AbortController();
    let start: { x: number; y: number; time: number } | null = null;
    let last = { y: 0, time: 0 };
    let speed = 0;
    let rest = 0;
    let spread = 0;
    let isMoved = false;
    let pressTimer: ReturnType<typeof setTimeout> | null = null;
    let frame = 0;

    const distance = (touches: TouchList) => {
        const [a, b] = [touches[0], touches[1]];
        return a && b ? Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY) : 0;
    };
    const cancelPress = () => {
        if (pressTimer !== null) clearTimeout(pressTimer);
        pressTimer = null;
    };
    const move = (pixels: number) => {
        rest += pixels / target.cellHeight();
        const lines = Math.trunc(rest);
        rest -= lines;
        if (lines !== 0) target.scroll(lines);
    };
    const glide = () => {
        speed *= FRICTION;
        if (Math.abs(speed) < 0.02) return;
        move(speed * 16);
        frame = requestAnimationFrame(glide);
    };

    const options = { signal: stop.signal, capture: true, passive: false } as const;
    element.addEventListener("touchstart", (event) => {
        event.stopPropagation();
        cancelAnimationFrame(frame);
        cancelPress();
        const touch = event.touches[0];
        if (event.touches.length === 2) {
            start = null;
            spread = distance(event.touches);
            target.pinchStart();
            return;
        }
        if (!touch || event.touches.length > 1) return;
        start = { x: touch.clientX, y: touch.clientY, time: event.timeStamp };
        last = { y: touch.clientY, time: event.timeStamp };
        speed = rest = 0;
        isMoved = false;
        pressTimer = setTimeout(() => {
            start = null;
            navigator.vibrate?.(10);
            target.longPress();
        }, LONG_PRESS);
    }, options);
    element.addEventListener("touchmove", (event) => {
        event.stopPropagation();
        event.preventDefault();
        if (event.touches.length === 2 && spread > 0) return target.pinch(distance(event.touches) / spread);
        const touch = event.touches[0];
        if (!touch || !start) return;
        if (!isMoved && Math.hypot(touch.clientX - start.x, touch.clientY - start.y) < SLOP) return;
        isMoved = true;
        cancelPress();
        const pixels = last.y - touch.clientY;
        speed = 0.6 * speed + 0.4 * (pixels / Math.max(1, event.timeStamp - last.time));
        last = { y: touch.clientY, time: event.timeStamp };
        move(pixels);
    }, options);
    const end = (event: TouchEvent) => {
        event.stopPropagation();
        cancelPress();
        if (spread > 0) {
            if (event.touches.length < 2) {
                spread = 0;
                target.pinchEnd();
            }
            return;
        }
        if (!start) return;
        if (!isMoved) {
            event.preventDefault();
            target.tap();
        } else if (Math.abs(speed) > 0.2 && !matchMedia("(prefers-reduced-motion: reduce)").matches) {
            frame = requestAnimationFrame(glide);
        }
        start = null;
    };
    element.addEventListener("touchend", end, options);
    element.addEventListener("touchcancel", end, options);
    return () => {
        cancelPress();
        cancelAnimationFrame(frame);
        stop.abort();
    };
}
