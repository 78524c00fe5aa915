import type { TerminalChannel } from "./channel";
import type { TerminalScreen } from "./screen";

/** What a pane is made of: what it shows, and its seat in the session. */
export interface Parts {
    screen: TerminalScreen;
    channel: TerminalChannel;
}

/** What lies over a pane for a while. */
export type Overlay =
    | { kind: "end" | "paste-field" | "find" }
    | { kind: "paste"; text: string }
    | { kind: "link"; uri: string }
    | { kind: "select"; text: { screen: string; all: string } };

export const bothTexts = (screen: TerminalScreen) => ({ screen: screen.text(true), all: screen.text(false) });
