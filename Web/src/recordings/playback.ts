import { api, type ApiError, asApiError } from "../api/client";
import {
    idleJump,
    LineSplitter,
    parseEvent,
    parseHeader,
    parseSize,
    type PieceHeader,
    type RecordedEvent,
} from "./eventStream";

/** The terminal that a recording is played on. */
export interface PlaybackScreen {
    restore(columns: number, rows: number, bytes: Uint8Array, done: () => void): void;
    resize(columns: number, rows: number): void;
    terminal: { write(data: string, done?: () => void): void };
}

export interface PlaybackState {
    phase: "loading" | "paused" | "playing" | "ended" | "failed";
    /** Seconds. */
    position: number;
    speed: number;
    skipsIdle: boolean;
    error: ApiError | null;
    columns: number;
    rows: number;
}

const AHEAD = 1_500;
export const SPEEDS = [0.5, 1, 2, 4, 8, 16] as const;

/** Plays a recording as it streams in: the reader stays a little ahead of the playhead and no further. */
export class Playback {
    state: PlaybackState;
    private readonly listeners = new Set<() => void>();
    private queue: RecordedEvent[] = [];
    private isComplete = false;
    private stream: AbortController | null = null;
    private wake: (() => void) | null = null;
    private frame = 0;
    private lastFrame = 0;

    constructor(
        private readonly id: string,
        private readonly screen: PlaybackScreen,
        readonly duration: number,
        columns: number,
        rows: number,
    ) {
        this.state = { phase: "loading", position: 0, speed: 1, skipsIdle: true, error: null, columns, rows };
    }

    subscribe(listener: () => void): () => void {
        this.listeners.add(listener);
        return () => void this.listeners.delete(listener);
    }

    dispose() {
        this.stream?.abort();
        cancelAnimationFrame(this.frame);
        this.listeners.clear();
    }

    toggle() {
        if (this.state.phase === "playing") this.pause();
        else if (this.state.phase === "ended") void this.seek(0, true);
        else if (this.state.phase === "paused") this.play();
    }

    play() {
        this.change({ phase: "playing" });
        this.lastFrame = performance.now();
        cancelAnimationFrame(this.frame);
        this.frame = requestAnimationFrame((now) => this.advance(now));
    }

    pause() {
        cancelAnimationFrame(this.frame);
        this.change({ phase: "paused" });
    }

    setSpeed(speed: number) {
        this.change({ speed });
    }

    setSkipsIdle(skipsIdle: boolean) {
        this.change({ skipsIdle });
    }

    /** Shows the screen as it was at that second, and goes on from there. */
    async seek(to: number, plays = this.state.phase === "playing") {
        const target = Math.max(0, Math.min(this.duration, to));
        cancelAnimationFrame(this.frame);
        this.stream?.abort();
        const stream = (this.stream = new AbortController());
        this.queue = [];
        this.isComplete = false;
        this.change({ phase: "loading", position: target, error: null });
        try {
            await this.open(target, stream.signal);
            await this.fill(stream.signal, target);
            if (stream.signal.aborted) return;
            this.emitUntil(target);
            if (plays) this.play();
            else this.change({ phase: "paused" });
        } catch (problem) {
            if (!stream.signal.aborted) this.change({ phase: "failed", error: asApiError(problem) });
        }
    }

    private reader: AsyncGenerator<string> | null = null;

    private async open(from: number, signal: AbortSignal) {
        const body = await api.stream(
            `/api/recordings/${encodeURIComponent(this.id)}/events?from=${from.toFixed(3)}`,
            signal,
        );
        this.reader = lines(body);
        const first = await this.reader.next();
        const header = first.done ? null : parseHeader(first.value);
        if (!header) throw new Error("The recording can't be read.");
        await this.restore(header);
        void this.readAhead(signal);
    }

    private restore(header: PieceHeader): Promise<void> {
        const bytes = header.snapshot
            ? Uint8Array.from(atob(header.snapshot), (character) => character.charCodeAt(0))
            : new Uint8Array();
        this.change({ columns: header.columns, rows: header.rows });
        return new Promise((resolve) => this.screen.restore(header.columns, header.rows, bytes, resolve));
    }

    private async readAhead(signal: AbortSignal) {
        const reader = this.reader;
        try {
            while (reader && !signal.aborted) {
                if (this.queue.length > AHEAD) await new Promise<void>((resolve) => (this.wake = resolve));
                const line = await reader.next();
                if (signal.aborted) return;
                if (line.done) break;
                const event = parseEvent(line.value);
                if (event) this.queue.push(event);
                this.arrived?.();
            }
        } catch (problem) {
            if (!signal.aborted) this.change({ phase: "failed", error: asApiError(problem) });
        }
        this.isComplete = true;
        this.arrived?.();
    }

    private arrived: (() => void) | null = null;

    /** Waits until everything up to the target has come, applying it on the way. */
    private async fill(signal: AbortSignal, target: number) {
        while (!signal.aborted && !this.isComplete) {
            this.emitUntil(target);
            if (this.queue.length > 0) return;
            await new Promise<void>((resolve) => (this.arrived = resolve));
            this.arrived = null;
        }
    }

    private emitUntil(time: number) {
        let count = 0;
        for (const event of this.queue) {
            if (event[0] > time) break;
            count += 1;
            this.emit(event);
        }
        if (count > 0) this.queue.splice(0, count);
        if (this.queue.length < AHEAD / 2) {
            this.wake?.();
            this.wake = null;
        }
    }

    private emit([, kind, data]: RecordedEvent) {
        if (kind === "o") this.screen.terminal.write(data);
        const size = kind === "r" ? parseSize(data) : null;
        if (size) {
            this.screen.resize(size.columns, size.rows);
            this.change(size);
        }
    }

    private advance(now: number) {
        if (this.state.phase !== "playing") return;
        const passed = Math.min(0.25, (now - this.lastFrame) / 1000) * this.state.speed;
        this.lastFrame = now;
        let position = this.state.position;
        const next = this.queue[0];
        // With nothing at hand but more to come, time stands still instead of running ahead of the output.
        if (next || this.isComplete) position += passed;
        if (next && this.state.skipsIdle) position += idleJump(position, next[0]);
        if (this.isComplete && !next && this.state.skipsIdle) position = this.duration;
        this.emitUntil(position);
        if (this.isComplete && this.queue.length === 0 && position >= this.duration) {
            return this.change({ phase: "ended", position: this.duration });
        }
        this.change({ position: Math.min(position, Math.max(this.duration, next?.[0] ?? 0)) });
        this.frame = requestAnimationFrame((time) => this.advance(time));
    }

    private change(change: Partial<PlaybackState>) {
        this.state = { ...this.state, ...change };
        for (const listener of [...this.listeners]) listener();
    }
}

async function* lines(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
    const reader = body.getReader();
    const splitter = new LineSplitter();
    try {
        for (;;) {
            const { done, value } = await reader.read();
            if (done) break;
            for (const line of splitter.push(value)) yield line;
        }
        for (const line of splitter.end()) yield line;
    } finally {
        void reader.cancel().catch(() => undefined);
    }
}
