import { useSyncExternalStore } from "react";

/** Where the page is. The address after # is the whole truth, so that each place can be linked to. */
export interface Route {
    path: string[];
    query: URLSearchParams;
}

let route = parse(window.location.hash);
const listeners = new Set<() => void>();

export function parse(hash: string): Route {
    const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
    return {
        path: path.split("/").filter(Boolean).map((part) => {
            try {
                return decodeURIComponent(part);
            } catch {
                return part;
            }
        }),
        query: new URLSearchParams(query),
    };
}

window.addEventListener("hashchange", () => {
    route = parse(window.location.hash);
    for (const listener of [...listeners]) listener();
});

export const currentRoute = () => route;

export function useRoute(): Route {
    return useSyncExternalStore(
        (listener) => {
            listeners.add(listener);
            return () => void listeners.delete(listener);
        },
        () => route,
    );
}

export function go(path: string) {
    window.location.hash = path;
}

/** Moves without leaving the old address behind: used for addresses that hold a secret. */
export function replace(path: string) {
    window.history.replaceState(null, "", `#${path}`);
    route = parse(window.location.hash);
    for (const listener of [...listeners]) listener();
}
