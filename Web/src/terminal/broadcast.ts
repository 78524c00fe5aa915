import { useSyncExternalStore } from "react";
import type { TerminalChannel } from "./channel";

/** Typing that goes to several terminals at once: chosen ones, all of them in view, until the person says stop. */
export class Broadcast {
    /** Sessions that hear each other's typing. Fewer than two is none. */
    members: readonly string[] = [];

    private readonly channels = new Map<string, TerminalChannel>();
    private readonly listeners = new Set<() => void>();

    subscribe = (listener: () => void): () => void => {
        this.listeners.add(listener);
        return () => void this.listeners.delete(listener);
    };

    join(channel: TerminalChannel): () => void {
        this.channels.set(channel.sessionId, channel);
        return () => {
            this.channels.delete(channel.sessionId);
            if (this.members.includes(channel.sessionId)) {
                this.choose(this.members.filter((member) => member !== channel.sessionId));
            }
        };
    }

    channel = (session: string): TerminalChannel | null => this.channels.get(session) ?? null;

    choose(members: readonly string[]) {
        this.members = members.length > 1 ? members : [];
        for (const listener of [...this.listeners]) listener();
    }

    stop = () => this.choose([]);

    /** Only what is in view may be typed into: a tab that is left, or a pane that goes, ends the broadcast for it. */
    inView(sessions: readonly string[]) {
        const kept = this.members.filter((member) => sessions.includes(member));
        if (kept.length !== this.members.length) this.choose(kept);
    }

    /** Types into this terminal, and into the others where it is one of the chosen. */
    type(channel: TerminalChannel, bytes: Uint8Array) {
        channel.type(bytes);
        if (!this.members.includes(channel.sessionId)) return;
        for (const member of this.members) {
            if (member !== channel.sessionId) this.channels.get(member)?.type(bytes);
        }
    }
}

export const broadcast = new Broadcast();

export function useBroadcast(): readonly string[] {
    return useSyncExternalStore(broadcast.subscribe, () => broadcast.members);
}
