import { store } from "./store";

/** Puts the chosen theme on the document; "system" leaves it to the style sheet's media query. */
export function applyTheme() {
    const { theme } = store.get().settings;
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
}

export function isDark(): boolean {
    const { theme } = store.get().settings;
    return theme === "dark" || (theme === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
}

export function followTheme() {
    let last = store.get().settings.theme;
    applyTheme();
    store.subscribe(() => {
        if (store.get().settings.theme === last) return;
        last = store.get().settings.theme;
        applyTheme();
    });
}
