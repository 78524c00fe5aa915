import { useSyncExternalStore } from "react";
import { isNarrow } from "../ui/narrow";

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

/**
 * Changes parts of the query of the place where the page is; null takes a part away.
 *
 * A `visit` is something to come back from, as a sheet on a phone: the browser's Back closes it, and a `return` goes
 * the same way back. `here` leaves no trace.
 */
export function amendQuery(change: Record<string, string | null>, how: "visit" | "return" | "here" = "here") {
    const query = new URLSearchParams(route.query);
    for (const [name, value] of Object.entries(change)) {
        if (value === null) query.delete(name);
        else query.set(name, value);
    }
    const address = `#/${route.path.map(encodeURIComponent).join("/")}${query.toString() ? `?${query}` : ""}`;
    if (address === window.location.hash) return;
    if (how === "return" && window.history.state === VISITED) return window.history.back();
    if (how === "visit" && isNarrow()) window.history.pushState(VISITED, "", address);
    else window.history.replaceState(window.history.state, "", address);
    route = parse(window.location.hash);
    for (const listener of [...listeners]) listener();
}

const VISITED = "copilot.visited";

/** Moves without leaving the old address behind: used for addresses that hold a secret. */
export function replace(path: string) {
    window.history.replaceState(null, "", `#${path}`);
    route = parse(window.location.hash);
    for (const listener of [...listeners]) listener();
}
