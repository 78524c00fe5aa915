import { changeSettings, store } from "../app/store";
import { isDark } from "../app/theme";
import { isTouch } from "./hooks";
import { darkTerminal, lightTerminal } from "./themes";

/** The letter size that the person chose for this kind of device, in pixels. */
export const baseFontSize = () => (isTouch() ? store.get().settings.touchFontSize : store.get().settings.fontSize);

export function changeFont(size: number) {
    const clamped = Math.max(8, Math.min(28, Math.round(size)));
    changeSettings(isTouch() ? { touchFontSize: clamped } : { fontSize: clamped });
}

export function terminalTheme() {
    const { terminalTheme: chosen } = store.get().settings;
    return chosen === "dark" || (chosen === "follow" && isDark()) ? darkTerminal : lightTerminal;
}
