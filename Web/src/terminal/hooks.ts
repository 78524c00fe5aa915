import { useSyncExternalStore } from "react";
import type { ChannelState, TerminalChannel } from "./channel";
import { link, type LinkState } from "./socket";

export function useChannel(channel: TerminalChannel): ChannelState {
    return useSyncExternalStore(
        (listener) => channel.subscribe(listener),
        () => channel.state,
    );
}

export function useLink(): LinkState {
    return useSyncExternalStore(
        (listener) => link.subscribe(listener),
        () => link.state,
    );
}

/** A finger, not a mouse, is what points here: the page brings its own keys and its own input field. */
export const isTouch = () => matchMedia("(pointer: coarse)").matches;

let fonts: Promise<unknown> | null = null;

/** The terminal measures its letters once; it waits for its font, but not for long. */
export function terminalFont(): Promise<unknown> {
    fonts ??= Promise.race([
        Promise.all([document.fonts.load('14px "JetBrains Mono"'), document.fonts.load('bold 14px "JetBrains Mono"')]),
        new Promise((resolve) => setTimeout(resolve, 1_500)),
    ]).catch(() => undefined);
    return fonts;
}
