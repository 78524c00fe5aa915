import { useSyncExternalStore } from "react";
import type { ApiError } from "../api/client";
import type { PaletteQuestion } from "./palette";
import type { Host, Macro, Me, Recording, ServerInfo, Session, User } from "../api/types";

/** A list or value of the server: what is shown now, how old it is, and what went wrong when it was last asked for. */
export interface Loadable<T> {
    data: T | null;
    loadedAt: number | null;
    error: ApiError | null;
}

export const notLoaded = <T>(): Loadable<T> => ({ data: null, loadedAt: null, error: null });

export interface Toast {
    id: number;
    tone: "info" | "good" | "bad";
    text: string;
    hint?: string;
    action?: { label: string; run: () => void };
    sticky?: boolean;
}

export interface LocalSettings {
    theme: "system" | "light" | "dark";
    terminalTheme: "dark" | "light" | "follow";
    fontSize: number;
    touchFontSize: number;
    confirmPaste: boolean;
    screenReader: boolean;
    /** The page itself is kept on this device, to open without a link. */
    keepOffline: boolean;
    /** Of the panel beside a terminal, in pixels. */
    panelWidth: number;
}

export interface State {
    phase: "starting" | "unreachable" | "signed-out" | "signed-in" | "guest";
    startError: ApiError | null;
    server: ServerInfo | null;
    me: Me | null;
    /** Why the sign-in form is shown, when it is not by the person's own wish. */
    signedOutBecause: string | null;
    isOnline: boolean;
    hosts: Loadable<Host[]>;
    users: Loadable<User[]>;
    live: Loadable<Session[]>;
    ended: Loadable<Session[]>;
    recordings: Loadable<Recording[]>;
    macros: Loadable<Macro[]>;
    /** Sessions open as terminals in this browser tab, in the order of their tabs. */
    openTerminals: { id: string; alias: string; environment: string }[];
    /** Tabs that several of them share, as texts of layouts. */
    layouts: string[];
    palette: PaletteQuestion | null;
    toasts: Toast[];
    settings: LocalSettings;
}

const SETTINGS = "copilot.settings";
const TABS = "copilot.terminals";
const LAYOUTS = "copilot.layouts";

function read<T>(storage: Storage, key: string, fallback: T): T {
    try {
        const text = storage.getItem(key);
        return text === null ? fallback : JSON.parse(text);
    } catch {
        return fallback;
    }
}

const defaultSettings: LocalSettings = {
    theme: "system",
    terminalTheme: "dark",
    fontSize: 14,
    touchFontSize: 13,
    confirmPaste: true,
    screenReader: false,
    keepOffline: false,
    panelWidth: 380,
};

let state: State = {
    phase: "starting",
    startError: null,
    server: null,
    me: null,
    signedOutBecause: null,
    isOnline: navigator.onLine,
    hosts: notLoaded(),
    users: notLoaded(),
    live: notLoaded(),
    ended: notLoaded(),
    recordings: notLoaded(),
    macros: notLoaded(),
    openTerminals: read(sessionStorage, TABS, []),
    layouts: read(sessionStorage, LAYOUTS, []),
    palette: null,
    toasts: [],
    settings: { ...defaultSettings, ...read(localStorage, SETTINGS, {}) },
};

const listeners = new Set<() => void>();

export const store = {
    get: (): State => state,
    set(change: Partial<State> | ((state: State) => Partial<State>)) {
        state = { ...state, ...(typeof change === "function" ? change(state) : change) };
        for (const listener of [...listeners]) listener();
    },
    subscribe(listener: () => void): () => void {
        listeners.add(listener);
        return () => void listeners.delete(listener);
    },
};

/** The selected part must be a value of the state itself (or a primitive), so that it stays equal while nothing changes. */
export function useStore<T>(select: (state: State) => T): T {
    return useSyncExternalStore(store.subscribe, () => select(state));
}

export function may(permission: string): boolean {
    return state.me?.permissions.includes(permission) ?? false;
}

export function useMay(permission: string): boolean {
    return useStore((s) => s.me?.permissions.includes(permission) ?? false);
}

export function changeSettings(change: Partial<LocalSettings>) {
    store.set((s) => ({ settings: { ...s.settings, ...change } }));
    localStorage.setItem(SETTINGS, JSON.stringify(state.settings));
}

export function setOpenTerminals(openTerminals: State["openTerminals"]) {
    store.set({ openTerminals });
    sessionStorage.setItem(TABS, JSON.stringify(openTerminals));
}

export function setLayouts(layouts: string[]) {
    if (layouts.join() === state.layouts.join()) return;
    store.set({ layouts });
    sessionStorage.setItem(LAYOUTS, JSON.stringify(layouts));
}

let nextToast = 1;

export function toast(text: string, options: Partial<Omit<Toast, "id" | "text">> = {}): number {
    const id = nextToast++;
    store.set((s) => ({ toasts: [...s.toasts.slice(-3), { id, text, tone: "info", ...options }] }));
    if (!options.sticky) setTimeout(() => dismissToast(id), options.action ? 12_000 : 6_000);
    return id;
}

export function dismissToast(id: number) {
    if (state.toasts.some((t) => t.id === id)) store.set((s) => ({ toasts: s.toasts.filter((t) => t.id !== id) }));
}

export function toastError(error: ApiError) {
    toast(error.message, { tone: "bad", hint: error.hint });
}
