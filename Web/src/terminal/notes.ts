// News beside the terminal, such as chat, people and files: each has a kind and a value, and comes on the session's own
// connection. Whoever shows a kind registers for it once.

import type { TerminalChannel } from "./channel";

export type NoteListener = (value: unknown, channel: TerminalChannel) => void;

const listeners = new Map<string, Set<NoteListener>>();

/** Calls `listener` for every note of this kind, of every session that is open in this tab. Returns how to stop it. */
export function onNote(kind: string, listener: NoteListener): () => void {
    const known = listeners.get(kind) ?? new Set();
    listeners.set(kind, known.add(listener));
    return () => void known.delete(listener);
}

/** A note that nobody listens to is of a newer server, or of a part of the page that is not loaded: it is left out. */
export function deliverNote(kind: string, value: unknown, channel: TerminalChannel) {
    for (const listener of [...(listeners.get(kind) ?? [])]) listener(value, channel);
}
