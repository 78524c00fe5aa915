import type { Terminal } from "@xterm/xterm";

/** How long after a touch, a wheel or a key a scrolled terminal counts as scrolled by the person, momentum included. */
const BY_HAND = 3_000;

/**
 * Keeps the newest line in view for as long as the person has not scrolled away from it.
 *
 * A change of layout (a banner comes, the on-screen keyboard goes) makes the browser move the scroll position, and
 * xterm.js takes that for the person's own wish and stops following the output.
 */
export function followOutput(terminal: Terminal): { dispose(): void } {
    let lastHand = -BY_HAND;
    let follows = true;
    const byHand = (event: Event) => {
        if (isScrolling(event, terminal.element)) lastHand = performance.now();
    };
    const kinds = ["wheel", "pointerdown", "pointermove", "touchmove", "keydown", "input", "click"] as const;
    for (const kind of kinds) document.addEventListener(kind, byHand, { capture: true, passive: true });
    const rendered = terminal.onRender(() => {
        const { viewportY, baseY } = terminal.buffer.active;
        if (viewportY >= baseY) follows = true;
        else if (performance.now() - lastHand < BY_HAND) follows = false;
        else if (follows) terminal.scrollToBottom();
    });
    return {
        dispose() {
            rendered.dispose();
            for (const kind of kinds) document.removeEventListener(kind, byHand, { capture: true });
        },
    };
}

/** Whether the terminal may scroll because of this: typing into it does not count, looking for a word beside it does. */
function isScrolling(event: Event, terminal: HTMLElement | undefined): boolean {
    const target = event.target instanceof Element ? event.target : null;
    if (event instanceof KeyboardEvent) {
        return (event.shiftKey && /^(Page|Home|End|Arrow)/.test(event.key)) || target?.tagName === "INPUT";
    }
    if (target?.closest(".find-bar")) return true;
    if (event.type === "input" || event.type === "click") return false;
    if (event instanceof PointerEvent && event.buttons === 0) return false;
    return terminal !== undefined && target !== null && terminal.contains(target);
}
