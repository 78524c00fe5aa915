/** The terminal's own colour schemes, which are none of the page's. */
export const terminalThemes = [
    { value: "dark", label: "Dark" },
    { value: "black", label: "Black" },
    { value: "dusk", label: "Dusk" },
    { value: "light", label: "Light" },
    { value: "paper", label: "Paper" },
    { value: "contrast", label: "High contrast" },
    { value: "follow", label: "As the page" },
] as const;

export type TerminalThemeName = Exclude<typeof terminalThemes[number]["value"], "follow">;
