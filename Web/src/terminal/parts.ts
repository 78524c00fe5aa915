import type { TerminalChannel } from "./channel";
import type { EchoOverlay } from "./echoOverlay";
import type { TerminalScreen } from "./screen";

/** What a pane is made of: what it shows, and its seat in the session. */
export interface Parts {
    screen: TerminalScreen;
    channel: TerminalChannel;
    echo: EchoOverlay;
}

/** What lies over a pane for a while. */
export type Overlay =
    | { kind: "end" | "paste-field" | "find" }
    | { kind: "paste"; text: string }
    | { kind: "link"; uri: string }
    | { kind: "select"; text: SelectableText };

/** What can be copied, as text. */
export interface SelectableText {
    screen: string;
    all: string;
    /** The line under the finger, when one asked for the text by a long press. */
    line?: string;
}

export const bothTexts = (screen: TerminalScreen): SelectableText => ({
    screen: screen.text(true),
    all: screen.text(false),
});
