/** The part of the viewport's interface that is used; tests hand in one of their own. */
export interface ViewportSource extends EventTarget {
    readonly height: number;
    readonly offsetTop: number;
}

/**
 * Tells the style sheet how much of the page is above the on-screen keyboard. Where the keyboard only covers the page
 * (iOS), this is what keeps the terminal's last line and the key bar in view.
 */
export function followViewport(
    source: ViewportSource | null = window.visualViewport,
    style = document.documentElement.style,
) {
    if (!source) return;
    const update = () => {
        style.setProperty("--view-height", `${Math.round(source.height)}px`);
        style.setProperty("--view-top", `${Math.round(source.offsetTop)}px`);
    };
    source.addEventListener("resize", update);
    source.addEventListener("scroll", update);
    update();
}
