import { useSyncExternalStore } from "react";

// How many transfers of a session are under way: known to the panel's button, which is there before the panel is.

let active: Readonly<Record<string, number>> = {};
const listeners = new Set<() => void>();

export function tellActivity(counts: Record<string, number>) {
    active = counts;
    for (const listener of [...listeners]) listener();
}

export const useActiveTransfers = (session: string): number =>
    useSyncExternalStore((listener) => {
        listeners.add(listener);
        return () => void listeners.delete(listener);
    }, () => active[session] ?? 0);
