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
