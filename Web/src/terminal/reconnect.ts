/** How long to wait before the next attempt, in milliseconds: 0.25 s doubling to 8 s, spread so that a restarted server is not stormed. */
export function reconnectDelay(attempt: number, random: number): number {
    const base = Math.min(8_000, 250 * 2 ** Math.min(attempt, 5));
    return Math.round(base * (0.75 + 0.5 * random));
}

/** The position in a session's output that this page has, and what a new piece adds to it. */
export class OutputPosition {
    /** Bytes handed to the terminal; null before the first output. */
    received: number | null = null;

    /** The part of the piece that is new, or "gap" when bytes before it are missing. */
    admit(offset: number, bytes: Uint8Array): Uint8Array | "gap" {
        const have = this.received ?? offset;
        if (offset > have) return "gap";
        const end = offset + bytes.length;
        if (end <= have) return bytes.subarray(bytes.length);
        this.received = end;
        return bytes.subarray(have - offset);
    }
}

/** When to acknowledge: each 4 KiB at once, anything less within 50 ms. */
export class Acknowledgements {
    private last = 0;
    private timer: ReturnType<typeof setTimeout> | null = null;
    private written = 0;

    constructor(
        private readonly send: (offset: number) => void,
        private readonly every = 4 * 1024,
        private readonly within = 50,
    ) {}

    wrote(offset: number) {
        this.written = offset;
        if (offset - this.last >= this.every || offset < this.last) this.flush();
        else this.timer ??= setTimeout(() => this.flush(), this.within);
    }

    /** After a new link everything is acknowledged anew. */
    restart(offset: number) {
        this.cancel();
        this.last = offset;
        this.written = offset;
    }

    cancel() {
        if (this.timer !== null) clearTimeout(this.timer);
        this.timer = null;
    }

    private flush() {
        this.cancel();
        this.last = this.written;
        this.send(this.written);
    }
}
