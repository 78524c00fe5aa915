// What is said beside each session that is open in this tab. It comes with the session's own connection; the server
// sends the newest messages to whoever attaches, so nothing is kept here longer than the tab.

import { useSyncExternalStore } from "react";
import { go } from "../app/router";
import { store, toast } from "../app/store";
import type { TerminalChannel } from "../terminal/channel";
import { onNote } from "../terminal/notes";
import { currentRoute } from "../app/router";
import { inert } from "../ui/text";
import type { ChatMessage } from "./calls";

const TYPING_FOR = 4_000;
const KEPT = 500;

export interface ChatState {
    messages: ChatMessage[];
    /** Older messages are in the recording alone. */
    isComplete: boolean;
    unread: number;
    /** Names of those who are writing now. */
    writing: string[];
    /** Seats that typed into the terminal a moment ago. */
    typing: string[];
}

class Room {
    state: ChatState = { messages: [], isComplete: true, unread: 0, writing: [], typing: [] };
    draft = "";
    private lastRead: string | null;
    private isOpen = false;
    private readonly listeners = new Set<() => void>();
    private readonly timers = new Map<string, ReturnType<typeof setTimeout>>();

    constructor(readonly sessionId: string) {
        this.lastRead = sessionStorage.getItem(this.key);
    }

    private get key() {
        return `copilot.chat.${this.sessionId}`;
    }

    subscribe = (listener: () => void) => {
        this.listeners.add(listener);
        return () => void this.listeners.delete(listener);
    };

    /** What the page has; nothing after its last message has to come again. */
    get lastKnown(): string | null {
        return this.state.messages[this.state.messages.length - 1]?.id ?? null;
    }

    /** The messages that were missed, or all of them when the page has none that the server knows. */
    restore({ messages, isComplete, after }: { messages: ChatMessage[]; isComplete: boolean; after?: string }) {
        if (after !== undefined) return messages.forEach((message) => this.add(message));
        if (this.isOpen) this.remember(messages);
        this.change({ messages, isComplete, unread: this.isOpen ? 0 : this.countUnread(messages) });
    }

    add(message: ChatMessage) {
        if (this.state.messages.some((known) => known.id === message.id)) return;
        const messages = [...this.state.messages, message].slice(-KEPT);
        this.stopWriting(message.author.name);
        if (this.isOpen) this.remember(messages);
        this.change({ messages, unread: this.isOpen ? 0 : this.countUnread(messages) });
    }

    /** The panel is on the screen, or not any more. */
    show(isOpen: boolean) {
        this.isOpen = isOpen;
        if (!isOpen) return;
        this.remember(this.state.messages);
        if (this.state.unread > 0) this.change({ unread: 0 });
    }

    get isShown(): boolean {
        return this.isOpen && document.visibilityState === "visible";
    }

    typed(place: "chat" | "terminal", who: string, name: string) {
        const field = place === "chat" ? "writing" : "typing";
        const key = `${place} ${who}`;
        const value = place === "chat" ? name : who;
        clearTimeout(this.timers.get(key));
        this.timers.set(
            key,
            setTimeout(() => {
                this.timers.delete(key);
                this.change({ [field]: this.state[field].filter((one) => one !== value) });
            }, TYPING_FOR),
        );
        if (!this.state[field].includes(value)) this.change({ [field]: [...this.state[field], value] });
    }

    private stopWriting(name: string) {
        this.state = { ...this.state, writing: this.state.writing.filter((one) => one !== name) };
    }

    private remember(messages: ChatMessage[]) {
        const last = messages[messages.length - 1];
        if (!last || last.id === this.lastRead) return;
        this.lastRead = last.id;
        sessionStorage.setItem(this.key, last.id);
    }

    private countUnread(messages: ChatMessage[]): number {
        const me = store.get().me?.user.id;
        const from = messages.findIndex((message) => message.id === this.lastRead) + 1;
        return messages.slice(from).filter((message) => message.author.userId !== me).length;
    }

    private change(change: Partial<ChatState>) {
        this.state = { ...this.state, ...change };
        for (const listener of [...this.listeners]) listener();
    }
}

const rooms = new Map<string, Room>();

export function roomOf(sessionId: string): Room {
    const room = rooms.get(sessionId) ?? new Room(sessionId);
    rooms.set(sessionId, room);
    return room;
}

export function useChat(sessionId: string): ChatState {
    const room = roomOf(sessionId);
    return useSyncExternalStore(room.subscribe, () => room.state);
}

const isHere = (sessionId: string) => currentRoute().path[0] === "s" && currentRoute().path[1] === sessionId;

/** Whoever is called by name hears of it, unless the message is before their eyes. */
function tellMention(sessionId: string, alias: string, message: ChatMessage) {
    toast(`${inert(message.author.name, 40)} mentions you${isHere(sessionId) ? "" : ` at ${inert(alias, 40)}`}`, {
        hint: inert(message.text, 120),
        action: { label: "Read", run: () => go(`/s/${sessionId}?panel=chat`) },
    });
}

onNote("attached", (_, channel) => {
    channel.sendNote("chat.sync", { after: roomOf(channel.sessionId).lastKnown });
});
onNote("chat.history", (value, channel) => {
    roomOf(channel.sessionId).restore(value as { messages: ChatMessage[]; isComplete: boolean; after?: string });
});
onNote("chat.message", (value, channel: TerminalChannel) => {
    const message = value as ChatMessage;
    const room = roomOf(channel.sessionId);
    room.add(message);
    const me = store.get().me?.user.id;
    if (me === undefined || message.author.userId === me || !message.mentions.includes(me) || room.isShown) return;
    tellMention(channel.sessionId, channel.state.seat?.host.alias ?? "", message);
});
onNote("chat.mention", (value) => {
    const { sessionId, alias, message } = value as { sessionId: string; alias: string; message: ChatMessage };
    // One toast, however many terminals this tab has open, and none when the session itself is one of them.
    if (store.get().openTerminals.some((tab) => tab.id === sessionId)) return;
    if (mentioned.has(message.id)) return;
    mentioned.add(message.id);
    tellMention(sessionId, alias, message);
});
onNote("typing", (value, channel) => {
    const { seatId, name, place } = value as { seatId: string; name: string; place: "chat" | "terminal" };
    roomOf(channel.sessionId).typed(place, seatId, name);
});

const mentioned = new Set<string>();
