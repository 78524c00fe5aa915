import { api } from "../api/client";
import { decode, encode, type Hello, type ServerFrame } from "./frames";
import { reconnectDelay } from "./reconnect";

/** What the page shows of the one link that all its terminals share. */
export interface LinkState {
    phase: "idle" | "connecting" | "open" | "lost" | "refused";
    /** When the last byte came, in epoch milliseconds; how old a screen is while the link is lost. */
    lastHeard: number;
    nextAttempt: number | null;
    /** Round trip in milliseconds. */
    latency: number | null;
    refusal: string | null;
}

export interface LinkChannel {
    linkOpened(): void;
    linkLost(): void;
    receive(frame: ServerFrame): void;
}

const PROTOCOL = "copilot.term.v1";
const PING_EVERY = 4_000;
const PING_EVERY_HIDDEN = 15_000;
const DEAD_AFTER = 10_000;

/** One WebSocket for all terminals of this browser tab; it comes back by itself for as long as a terminal is open. */
export class TerminalLink {
    state: LinkState = { phase: "idle", lastHeard: 0, nextAttempt: null, latency: null, refusal: null };
    hello: Hello | null = null;

    private socket: WebSocket | null = null;
    private readonly channels = new Map<number, LinkChannel>();
    private readonly listeners = new Set<() => void>();
    private nextChannel = 1;
    private attempt = 0;
    private isOpening = false;
    private retryTimer: ReturnType<typeof setTimeout> | null = null;
    private pingTimer: ReturnType<typeof setTimeout> | null = null;
    private unanswered: number | null = null;

    constructor() {
        const wake = () => {
            if (document.visibilityState === "visible") this.reconnectNow();
        };
        window.addEventListener("online", wake);
        window.addEventListener("pageshow", wake);
        document.addEventListener("visibilitychange", wake);
        window.addEventListener("offline", () => this.socket?.close());
    }

    subscribe(listener: () => void): () => void {
        this.listeners.add(listener);
        return () => void this.listeners.delete(listener);
    }

    open(channel: LinkChannel): number {
        const id = this.nextChannel++;
        this.channels.set(id, channel);
        if (this.state.phase === "open") channel.linkOpened();
        else this.reconnectNow();
        return id;
    }

    close(id: number) {
        this.channels.delete(id);
        if (this.channels.size > 0) return;
        this.cancelRetry();
        this.socket?.close();
    }

    send(frame: Uint8Array): boolean {
        if (this.socket?.readyState !== WebSocket.OPEN || this.state.phase !== "open") return false;
        this.socket.send(frame);
        return true;
    }

    /** Tries at once: asked by the person, or because the network came back. */
    reconnectNow() {
        if (this.channels.size === 0 || this.socket !== null || this.isOpening) {
            // A phone that slept may hold a dead socket that looks open: a ping tells within seconds.
            if (this.state.phase === "open") this.ping();
            return;
        }
        this.cancelRetry();
        void this.connect();
    }

    private change(change: Partial<LinkState>) {
        this.state = { ...this.state, ...change };
        for (const listener of [...this.listeners]) listener();
    }

    private async connect() {
        this.change({
            phase: this.state.phase === "idle" ? "connecting" : this.state.phase,
            nextAttempt: null,
            refusal: null,
        });
        this.isOpening = true;
        try {
            await api.ensureFresh();
        } catch {
            // Not reachable: the socket attempt fails in its own way and is tried again.
        }
        this.isOpening = false;
        if (this.channels.size === 0) return this.change({ phase: "idle" });
        const scheme = window.location.protocol === "https:" ? "wss" : "ws";
        const socket = new WebSocket(`${scheme}://${window.location.host}/api/terminal`, PROTOCOL);
        socket.binaryType = "arraybuffer";
        this.socket = socket;
        socket.onmessage = (event) => this.receive(socket, event);
        socket.onclose = () => void this.closed(socket);
        const giveUp = setTimeout(() => {
            if (socket.readyState === WebSocket.CONNECTING) socket.close();
        }, DEAD_AFTER);
        socket.onopen = () => clearTimeout(giveUp);
    }

    private receive(socket: WebSocket, event: MessageEvent) {
        if (socket !== this.socket || !(event.data instanceof ArrayBuffer)) return;
        let frame: ServerFrame;
        try {
            frame = decode(new Uint8Array(event.data));
        } catch {
            // The two sides don't agree on what the bytes mean: start over rather than guess.
            socket.close();
            return;
        }
        this.state.lastHeard = Date.now();
        if (frame.type === "hello") return this.greeted(frame.hello);
        if (frame.type === "pong") return this.answered(frame.time);
        if (frame.type === "error" && frame.channel === 0) {
            this.change({ refusal: frame.error.error });
            return;
        }
        this.channels.get(frame.channel)?.receive(frame);
    }

    private greeted(hello: Hello) {
        this.hello = hello;
        this.attempt = 0;
        this.change({ phase: "open", nextAttempt: null, refusal: null });
        for (const channel of this.channels.values()) channel.linkOpened();
        this.ping();
    }

    private ping() {
        if (this.pingTimer !== null) clearTimeout(this.pingTimer);
        this.pingTimer = null;
        const socket = this.socket;
        if (this.state.phase !== "open" || !socket) return;
        const time = Math.round(performance.now());
        if (this.unanswered === null) {
            this.unanswered = time;
            this.send(encode.ping(time));
        } else if (time - this.unanswered > DEAD_AFTER) {
            socket.close();
            // A dead link's close handshake can take a minute; the page does not wait for it.
            void this.closed(socket);
            return;
        }
        this.pingTimer = setTimeout(
            () => this.ping(),
            document.visibilityState === "visible" ? PING_EVERY : PING_EVERY_HIDDEN,
        );
    }

    private answered(time: number) {
        this.unanswered = null;
        this.change({ latency: Math.max(0, Math.round(performance.now()) - time) });
    }

    private async closed(socket: WebSocket) {
        if (socket !== this.socket) return;
        this.socket = null;
        this.unanswered = null;
        if (this.pingTimer !== null) clearTimeout(this.pingTimer);
        const wasOpen = this.state.phase === "open";
        if (this.channels.size === 0) return this.change({ phase: "idle", latency: null });
        if (wasOpen) { for (const channel of this.channels.values()) channel.linkLost(); }
        const delay = reconnectDelay(this.attempt++, Math.random());
        this.change({ phase: "lost", latency: null, nextAttempt: Date.now() + delay });
        this.retryTimer = setTimeout(() => this.reconnectNow(), delay);
        // A refused upgrade looks like any closed socket here: ask whether the sign-in is the reason.
        if (!wasOpen && this.attempt % 3 === 1) await api.request("GET", "/api/me").catch(() => undefined);
    }

    private cancelRetry() {
        if (this.retryTimer !== null) clearTimeout(this.retryTimer);
        this.retryTimer = null;
    }
}

export const link = new TerminalLink();
