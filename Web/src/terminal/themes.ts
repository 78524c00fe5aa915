import type { ITheme } from "@xterm/xterm";
import type { TerminalThemeName } from "./themeNames";

export const darkTerminal: ITheme = {
    background: "#0d1214",
    foreground: "#d9e1e3",
    cursor: "#57d3c0",
    cursorAccent: "#0d1214",
    selectionBackground: "#2b5d62",
    black: "#1d262a",
    red: "#ef6f6c",
    green: "#7ccf8a",
    yellow: "#e3b95c",
    blue: "#6aa6f0",
    magenta: "#c792e0",
    cyan: "#57c7cf",
    white: "#c6d0d3",
    brightBlack: "#71828a",
    brightRed: "#ff8f8a",
    brightGreen: "#9be3a5",
    brightYellow: "#f2d083",
    brightBlue: "#8fc0ff",
    brightMagenta: "#ddb1f2",
    brightCyan: "#7fe3e6",
    brightWhite: "#f4f7f8",
};

export const lightTerminal: ITheme = {
    background: "#fcfdfc",
    foreground: "#1d2629",
    cursor: "#0b7a6e",
    cursorAccent: "#fcfdfc",
    selectionBackground: "#bfe4de",
    black: "#1d2629",
    red: "#b3261e",
    green: "#1f7a35",
    yellow: "#8a5a00",
    blue: "#1f5fbf",
    magenta: "#8a3aa8",
    cyan: "#0b7480",
    white: "#5f6d73",
    brightBlack: "#6b7a80",
    brightRed: "#c8372d",
    brightGreen: "#2a8a42",
    brightYellow: "#9a6700",
    brightBlue: "#2a6fd6",
    brightMagenta: "#9c48bb",
    brightCyan: "#0d8290",
    brightWhite: "#1d2629",
};

/** For screens whose black pixels are off. */
const black: ITheme = { ...darkTerminal, background: "#000000", cursorAccent: "#000000" };

const dusk: ITheme = {
    ...darkTerminal,
    background: "#1b2030",
    foreground: "#d8dee9",
    cursor: "#e3b95c",
    cursorAccent: "#1b2030",
    selectionBackground: "#3b4866",
    black: "#2a3146",
    brightBlack: "#7d89a8",
};

const paper: ITheme = {
    ...lightTerminal,
    background: "#fbf4e4",
    foreground: "#2f2a20",
    cursor: "#8a4b00",
    cursorAccent: "#fbf4e4",
    selectionBackground: "#ead9b0",
};

const contrast: ITheme = {
    ...darkTerminal,
    background: "#000000",
    foreground: "#ffffff",
    cursor: "#ffff00",
    cursorAccent: "#000000",
    selectionBackground: "#0050c8",
    red: "#ff8080",
    green: "#80ff80",
    yellow: "#ffff00",
    blue: "#90c8ff",
    magenta: "#ff90ff",
    cyan: "#80ffff",
    white: "#ffffff",
    brightBlack: "#c0c0c0",
};

export const themes: Record<TerminalThemeName, ITheme> = {
    dark: darkTerminal,
    black,
    dusk,
    light: lightTerminal,
    paper,
    contrast,
};
