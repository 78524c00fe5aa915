/** What the first line of a piece of a recording says: the screen at `from`, or an empty one of that size. */
export interface PieceHeader {
    columns: number;
    rows: number;
    /** Seconds. */
    from: number;
    /** Base64 of the bytes that restore the screen. */
    snapshot: string | null;
}

/** Seconds since the start, kind as in asciicast v2 ("x" is the exit status), data. */
export type RecordedEvent = [time: number, kind: string, data: string];

/** Cuts a stream of bytes into lines; a line may come in many pieces. */
export class LineSplitter {
    private readonly decoder = new TextDecoder();
    private rest = "";

    push(bytes: Uint8Array): string[] {
        const lines = (this.rest + this.decoder.decode(bytes, { stream: true })).split("\n");
        this.rest = lines.pop() ?? "";
        return lines.filter((line) => line !== "");
    }

    /** What came after the last line end: nothing, unless the stream was cut. */
    end(): string[] {
        const line = this.rest + this.decoder.decode();
        this.rest = "";
        return line ? [line] : [];
    }
}

export function parseEvent(line: string): RecordedEvent | null {
    try {
        const value: unknown = JSON.parse(line);
        if (!Array.isArray(value) || typeof value[0] !== "number" || typeof value[1] !== "string") return null;
        return [value[0], value[1], typeof value[2] === "string" ? value[2] : String(value[2] ?? "")];
    } catch {
        return null;
    }
}

export function parseHeader(line: string): PieceHeader | null {
    try {
        const value = JSON.parse(line) as Partial<PieceHeader>;
        if (typeof value.columns !== "number" || typeof value.rows !== "number") return null;
        return { columns: value.columns, rows: value.rows, from: value.from ?? 0, snapshot: value.snapshot ?? null };
    } catch {
        return null;
    }
}

export function parseSize(data: string): { columns: number; rows: number } | null {
    const match = /^(\d{1,4})x(\d{1,4})$/.exec(data);
    if (!match) return null;
    const columns = Number(match[1]);
    const rows = Number(match[2]);
    return columns > 0 && rows > 0 ? { columns, rows } : null;
}

/** The wait before the next event that a viewer should not sit through: how far to jump, in seconds. */
export function idleJump(position: number, next: number, longest = 2, lead = 0.4): number {
    return next - position > longest ? next - lead - position : 0;
}

/** Bytes of a piece, after which the server cuts it. */
export const PIECE = 1024 * 1024;
/** The largest piece that the server gives. */
export const LARGEST_PIECE = 16 * PIECE;

export interface PieceSource {
    open(from: number, limit: number): Promise<ReadableStream<Uint8Array>>;
    /** The screen to begin with; only the first piece's, since later ones go on where it ended. */
    begin(header: PieceHeader): Promise<void>;
}

/** The events of a recording from a moment on, as if it came in one piece. */
export async function* recordedEvents(
    from: number,
    source: PieceSource,
): AsyncGenerator<RecordedEvent, void, undefined> {
    let given = -1;
    let limit = PIECE;
    let hasBegun = false;
    for (;;) {
        // A piece begins at a screen that was kept before that moment. The microsecond makes it one before the last
        // events, so that those which follow come whole, whatever the piece before cut in two.
        const body = await source.open(given < 0 ? from : Math.max(0, given - 0.000_001), limit);
        const before = given;
        const count = { bytes: 0 };
        // The last moment of a piece may be cut in its middle: its events wait until a later one shows that it was not.
        let held: RecordedEvent[] = [];
        let header: PieceHeader | null = null;
        for await (const line of lines(body, count)) {
            if (!header) {
                header = parseHeader(line);
                if (!header) break;
                if (!hasBegun) await source.begin(header);
                hasBegun = true;
                continue;
            }
            const event = parseEvent(line);
            if (!event || event[0] <= given) continue;
            const first = held[0];
            if (first && event[0] > first[0]) {
                given = first[0];
                yield* held;
                held = [];
            }
            held.push(event);
        }
        if (!header) throw new Error("The recording can't be read.");
        if (count.bytes < limit) return yield* held;
        if (given > before) {
            limit = PIECE;
        } else if (limit < LARGEST_PIECE) {
            limit *= 4;
        } else {
            throw new Error("The recording has a moment that is too large to be shown.");
        }
    }
}

async function* lines(
    body: ReadableStream<Uint8Array>,
    count: { bytes: number },
): AsyncGenerator<string, void, undefined> {
    const reader = body.getReader();
    const splitter = new LineSplitter();
    try {
        for (;;) {
            const { done, value } = await reader.read();
            if (done) break;
            count.bytes += value.length;
            yield* splitter.push(value);
        }
        yield* splitter.end();
    } finally {
        void reader.cancel().catch(() => undefined);
    }
}
