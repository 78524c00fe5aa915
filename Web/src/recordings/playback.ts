import { api, type ApiError, asApiError } from "../api/client";
import { idleJump, parseSize, type PieceHeader, type RecordedEvent, recordedEvents } from "./eventStream";

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
    /** Seconds; grows with what comes of a recording that is still being made. */
    duration: number;
    speed: number;
    skipsIdle: boolean;
    error: ApiError | null;
    columns: number;
    rows: number;
}

const AHEAD = 1_500;
/** Outputs that one can step back over without asking the server. */
const MOST_STEPS = 1_000;
export const SPEEDS = [0.5, 1, 2, 4, 8, 16] as const;

/** Plays a recording as it streams in: the reader stays a little ahead of the playhead and no further. */
export class Playback {
    state: PlaybackState;
    private readonly listeners = new Set<() => void>();
    private queue: RecordedEvent[] = [];
    private isComplete = false;
    /** Shown when everything that came before it has been played. */
    private failure: ApiError | null = null;
    private wantsToPlay = false;
    private stream: AbortController | null = null;
    private wake: (() => void) | null = null;
    private arrived: (() => void) | null = null;
    private lastTime = 0;
    /** The moments of the newest outputs that are on the screen. */
    private shownAt: number[] = [];
    private frame = 0;
    private lastFrame = 0;

    constructor(
        private readonly id: string,
        private readonly screen: PlaybackScreen,
        duration: number,
        columns: number,
        rows: number,
    ) {
        this.state = {
            phase: "loading",
            position: 0,
            duration,
            speed: 1,
            skipsIdle: true,
            error: null,
            columns,
            rows,
        };
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
        else if (this.state.phase === "failed") this.retry();
    }

    /** Goes on where the recording stopped coming, playing if it played. */
    retry() {
        void this.seek(this.state.position);
    }

    play() {
        this.wantsToPlay = true;
        this.change({ phase: "playing" });
        this.lastFrame = performance.now();
        cancelAnimationFrame(this.frame);
        this.frame = requestAnimationFrame((now) => this.advance(now));
    }

    pause() {
        this.wantsToPlay = false;
        cancelAnimationFrame(this.frame);
        this.change({ phase: "paused" });
    }

    setSpeed(speed: number) {
        this.change({ speed });
    }

    setSkipsIdle(skipsIdle: boolean) {
        this.change({ skipsIdle });
    }

    /** Stops, and goes to the output before or after: a picture at a time. */
    async step(direction: 1 | -1) {
        if (this.state.phase === "playing") this.pause();
        const next = direction > 0 ? this.queue[0]?.[0] : [...this.shownAt].reverse().find((time) => time < this.state.position);
        if (next === undefined) return;
        if (direction < 0) return this.seek(next, false);
        this.emitUntil(next);
        this.change({ phase: "paused", position: next });
    }

    /** Shows the screen as it was at that second, and goes on from there. */
    async seek(to: number, plays = this.wantsToPlay) {
        const target = Math.max(0, Math.min(this.state.duration, to));
        cancelAnimationFrame(this.frame);
        this.stream?.abort();
        this.wake?.();
        this.wake = null;
        const { signal } = (this.stream = new AbortController());
        this.queue = [];
        this.shownAt = [];
        this.isComplete = false;
        this.failure = null;
        this.wantsToPlay = plays;
        this.change({ phase: "loading", position: target, error: null });
        void this.readAhead(target, signal);
        await this.fill(signal, target);
        if (signal.aborted) return;
        this.emitUntil(target);
        if (this.failure && this.queue.length === 0) this.fail(this.failure);
        else if (plays) this.play();
        else this.change({ phase: "paused" });
    }

    private restore(header: PieceHeader): Promise<void> {
        const bytes = header.snapshot
            ? Uint8Array.from(atob(header.snapshot), (character) => character.charCodeAt(0))
            : new Uint8Array();
        this.change({ columns: header.columns, rows: header.rows });
        return new Promise((resolve) => this.screen.restore(header.columns, header.rows, bytes, resolve));
    }

    private async readAhead(from: number, signal: AbortSignal) {
        const path = `/api/recordings/${encodeURIComponent(this.id)}/events`;
        const events = recordedEvents(from, {
            open: (moment, limit) => api.stream(`${path}?from=${moment.toFixed(6)}&limit=${limit}`, signal),
            begin: (header) => (signal.aborted ? Promise.resolve() : this.restore(header)),
        });
        try {
            for await (const event of events) {
                if (signal.aborted) return;
                this.queue.push(event);
                this.lastTime = Math.max(this.lastTime, event[0]);
                this.arrived?.();
                if (this.queue.length > AHEAD) await new Promise<void>((resolve) => (this.wake = resolve));
                if (signal.aborted) return;
            }
            // A stream that was given up must not speak for the one that took its place.
            if (signal.aborted) return;
            this.isComplete = true;
        } catch (problem) {
            if (signal.aborted) return;
            this.failure = asApiError(problem);
        }
        this.arrived?.();
    }

    /** Waits until everything up to the target has come, applying it on the way. */
    private async fill(signal: AbortSignal, target: number) {
        while (!signal.aborted && !this.isComplete && !this.failure) {
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

    private emit([time, kind, data]: RecordedEvent) {
        if (kind === "o") {
            this.screen.terminal.write(data);
            if (this.shownAt.push(time) > MOST_STEPS * 2) this.shownAt.splice(0, MOST_STEPS);
        }
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
        if (this.isComplete && !next && this.state.skipsIdle) {
            position = Math.max(this.state.duration, this.lastTime);
        }
        this.emitUntil(position);
        if (this.queue.length === 0 && this.failure) return this.fail(this.failure);
        const duration = Math.max(this.state.duration, this.lastTime);
        if (this.isComplete && this.queue.length === 0 && position >= duration) {
            this.wantsToPlay = false;
            return this.change({ phase: "ended", position: duration });
        }
        this.change({ position: Math.min(position, duration) });
        this.frame = requestAnimationFrame((time) => this.advance(time));
    }

    private fail(error: ApiError) {
        cancelAnimationFrame(this.frame);
        this.change({ phase: "failed", error });
    }

    private change(change: Partial<PlaybackState>) {
        const duration = Math.max(this.state.duration, this.lastTime);
        this.state = { ...this.state, duration, ...change };
        for (const listener of [...this.listeners]) listener();
    }
}
