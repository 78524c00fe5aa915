// What was typed and is not yet accepted. Each frame has a number that never changes, so that the server can drop what
// it already has when a frame is sent again after a lost link: a key stroke arrives once, or is asked about.

export interface InputFrame {
    sequence: number;
    bytes: Uint8Array;
}

interface Waiting extends InputFrame {
    /** Milliseconds, from when the person typed it. */
    typedAt: number;
    isSent: boolean;
}

export const FRAME_LIMIT = 32 * 1024;
export const WINDOW = 256 * 1024;
/** A key typed longer ago than this is not sent without asking: a late Enter on a production host is dangerous. */
export const STALE_AFTER = 10_000;
/** More than this is refused while there is no link: nobody types a megabyte blindly. */
export const OFFLINE_LIMIT = 64 * 1024;

export class Outbox {
    private waiting: Waiting[] = [];
    private unacknowledged = 0;
    private isOnline = false;
    private isHeld = false;

    /** `next` is the number of the first frame: it goes on where an earlier view of the same session stopped. */
    constructor(private next = 1) {}

    get nextSequence(): number {
        return this.next;
    }

    get pendingBytes(): number {
        return this.waiting.reduce((sum, frame) => sum + frame.bytes.length, 0);
    }

    /** Bytes that were not even sent yet. */
    get queuedBytes(): number {
        return this.pendingBytes - this.unacknowledged;
    }

    /** What the person must decide about before anything more is sent, or null. */
    get held(): Uint8Array | null {
        if (!this.isHeld) return null;
        return concatenate(this.waiting.map((frame) => frame.bytes));
    }

    /** False when the bytes were not taken: too much for a page without a link. */
    push(bytes: Uint8Array, now: number): boolean {
        if (!this.isOnline && this.pendingBytes + bytes.length > OFFLINE_LIMIT) return false;
        for (let start = 0; start < bytes.length; start += FRAME_LIMIT) {
            this.waiting.push({
                sequence: this.next++,
                bytes: bytes.slice(start, start + FRAME_LIMIT),
                typedAt: now,
                isSent: false,
            });
        }
        return true;
    }

    /** The frames that may go out now; the caller sends them in this order. */
    take(): InputFrame[] {
        if (!this.isOnline || this.isHeld) return [];
        const frames: InputFrame[] = [];
        for (const frame of this.waiting) {
            if (frame.isSent) continue;
            if (this.unacknowledged > 0 && this.unacknowledged + frame.bytes.length > WINDOW) break;
            frame.isSent = true;
            this.unacknowledged += frame.bytes.length;
            frames.push(frame);
        }
        return frames;
    }

    accepted(sequence: number) {
        this.remove((frame) => frame.sequence <= sequence);
    }

    /** The server did not take this frame; what was typed after it, in the belief that it arrived, must not run either. */
    refused() {
        this.remove(() => true);
    }

    /** The link stood still for so long that the person has to say whether this is still wanted. */
    hold() {
        for (const frame of this.waiting) frame.isSent = false;
        this.unacknowledged = 0;
        this.isHeld = this.waiting.length > 0;
    }

    discard() {
        this.refused();
        this.isHeld = false;
    }

    disconnected() {
        this.isOnline = false;
        for (const frame of this.waiting) frame.isSent = false;
        this.unacknowledged = 0;
    }

    /** The link is back: recent input goes on by itself, old input waits for a decision. */
    connected(now: number) {
        this.isOnline = true;
        const oldest = this.waiting[0];
        this.isHeld = oldest !== undefined && now - oldest.typedAt > STALE_AFTER;
    }

    release() {
        this.isHeld = false;
    }

    private remove(matches: (frame: Waiting) => boolean) {
        this.waiting = this.waiting.filter((frame) => {
            if (!matches(frame)) return true;
            if (frame.isSent) this.unacknowledged -= frame.bytes.length;
            return false;
        });
        if (this.waiting.length === 0) this.isHeld = false;
    }
}

export function concatenate(parts: Uint8Array[]): Uint8Array {
    const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let position = 0;
    for (const part of parts) {
        whole.set(part, position);
        position += part.length;
    }
    return whole;
}
