import { useEffect, useState, useSyncExternalStore } from "react";
import { Button } from "../ui/controls";
import { baseFontSize } from "./letters";
import type { TerminalScreen } from "./screen";

export const WAY_OUT = "Tab goes to the program in the terminal. Ctrl+Shift+M leaves the terminal.";
const HINT_FOR = 6_000;

/** Whoever comes into the terminal by Tab can't leave it by Tab: says how, for a while and to a screen reader. */
export function WayOutHint({ screen }: { screen: TerminalScreen }) {
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
export function FitButton({ screen }: { screen: TerminalScreen }) {
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

