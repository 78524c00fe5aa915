import type { Action } from "./actions";
import { openPalette } from "./palette";
import { changeSettings } from "./store";
import { isDark } from "./theme";

/** What can be done everywhere in the page. */
export const pageActions = (): Action[] => [
    {
        id: "palette",
        group: "Page",
        label: "Go to a host, a session, or do something",
        icon: "command",
        keys: "Ctrl+Shift+K",
        keysOnly: true,
        run: () => openPalette({ kind: "all" }),
    },
    {
        id: "palette-mac",
        group: "Page",
        label: "The same on a Mac; outside of a terminal Ctrl+K too",
        icon: "command",
        keys: "Meta+K",
        keysOnly: true,
        run: () => openPalette({ kind: "all" }),
    },
    {
        id: "theme",
        group: "Page",
        label: "Light or dark page",
        icon: "sun",
        run: () => changeSettings({ theme: isDark() ? "light" : "dark" }),
    },
    {
        id: "help",
        group: "Page",
        label: "Keys of the page",
        icon: "keyboard",
        keys: "Ctrl+Shift+?",
        run: () => openPalette({ kind: "keys" }),
    },
];
