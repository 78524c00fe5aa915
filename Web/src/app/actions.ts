import { useSyncExternalStore } from "react";
import type { IconName } from "../ui/Icon";

/** Something that a person can do here: found by the palette, listed in the help, called by its keys. */
export interface Action {
    id: string;
    label: string;
    group: "This terminal" | "Panes" | "Panels" | "Page";
    icon: IconName;
    /** "Ctrl+Shift+D": every key of the page has Ctrl and Shift, Alt or Meta, so that no plain key is taken from a shell. */
    keys?: string;
    run: () => void;
    /** In the help and by its keys alone: choosing it from a list makes no sense. */
    keysOnly?: boolean;
}

let sets: Action[][] = [];
let all: readonly Action[] = [];
const listeners = new Set<() => void>();

function changed() {
    all = sets.flat();
    for (const listener of [...listeners]) listener();
}

/** Offers these actions until the answer is called: a pane offers its own while it has the focus. */
export function offerActions(actions: Action[]): () => void {
    sets = [...sets, actions];
    changed();
    return () => {
        sets = sets.filter((other) => other !== actions);
        changed();
    };
}

export const useActions = () =>
    useSyncExternalStore((listener) => {
        listeners.add(listener);
        return () => void listeners.delete(listener);
    }, () => all);

const names: Record<string, string> = { " ": "SPACE", "+": "PLUS" };

/** The name of a pressed key as actions write it; digits by their place, whatever Shift makes of them. */
export function keysOf(event: KeyboardEvent): string {
    const digit = /^Digit([0-9])$/.exec(event.code)?.[1];
    const key = digit ?? names[event.key] ?? event.key.toUpperCase();
    return [event.ctrlKey && "Ctrl", event.metaKey && "Meta", event.altKey && "Alt", event.shiftKey && "Shift", key]
        .filter(Boolean).join("+").toUpperCase();
}

/** Whoever offered last is nearest to the person and answers first. */
export function actionFor(event: KeyboardEvent): Action | null {
    const pressed = keysOf(event);
    for (let index = all.length - 1; index >= 0; index--) {
        if (all[index]?.keys?.toUpperCase() === pressed) return all[index] ?? null;
    }
    return null;
}

/** Ctrl+K belongs to the shell where there is one, and to the page everywhere else. */
const isPageKey = (event: KeyboardEvent) =>
    keysOf(event) === "CTRL+K" && !(event.target instanceof Element && event.target.closest(".terminal-room, .touch-keys"));

/** Before the terminal sees the key, and never while a dialog is open. */
export function followShortcuts() {
    document.addEventListener("keydown", (event) => {
        if (!(event.ctrlKey || event.metaKey || event.altKey) || document.querySelector("dialog[open]")) return;
        const action = isPageKey(event) ? all.find(({ id }) => id === "palette") : actionFor(event);
        if (!action) return;
        event.preventDefault();
        event.stopPropagation();
        action.run();
    }, { capture: true });
}
