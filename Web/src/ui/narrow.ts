import { useSyncExternalStore } from "react";

const query = matchMedia("(max-width: 719px)");

export const isNarrow = () => query.matches;

/** A phone's width: sheets instead of panels, one thing at a time. The style sheets use the same width. */
export function useIsNarrow(): boolean {
    return useSyncExternalStore(
        (listener) => {
            query.addEventListener("change", listener);
            return () => query.removeEventListener("change", listener);
        },
        isNarrow,
    );
}
