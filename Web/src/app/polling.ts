import { useEffect } from "react";

/** Runs now, at each interval while the page is visible, and when it becomes visible again. */
export function usePolling(run: () => void, milliseconds: number) {
    useEffect(() => {
        run();
        const timer = setInterval(() => {
            if (document.visibilityState === "visible") run();
        }, milliseconds);
        const wake = () => {
            if (document.visibilityState === "visible") run();
        };
        document.addEventListener("visibilitychange", wake);
        window.addEventListener("online", wake);
        return () => {
            clearInterval(timer);
            document.removeEventListener("visibilitychange", wake);
            window.removeEventListener("online", wake);
        };
        // The work is the same for the life of the screen.
    }, [milliseconds]);
}
