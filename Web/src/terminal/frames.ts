// The frames of copilot.term.v1: u8 type, varint channel, fields. A varint is unsigned LEB128, a string is its length
// as a varint and UTF-8, bytes are the rest of the frame. Offsets count bytes of the session's output.

import type { SeatView, SessionEnding } from "../api/types";

export class FrameError extends Error {}

const decoder = new TextDecoder("utf-8", { fatal: false });
const encoder = new TextEncoder();

export class FrameReader {
    private position = 0;

    constructor(private readonly bytes: Uint8Array) {}

    u8(): number {
        const value = this.bytes[this.position];
        if (value === undefined) throw new FrameError("the frame ends too early");
        this.position += 1;
        return value;
    }

    /** Numbers beyond 2^53 would lose their last digits, and no session has so many bytes: they are refused. */
    varint(): number {
        let value = 0;
        let scale = 1;
        for (let count = 0; count < 8; count++) {
            const byte = this.u8();
            value += (byte & 0x7f) * scale;
            if (byte < 0x80) {
                if (!Number.isSafeInteger(value)) throw new FrameError("a number is too large");
                return value;
            }
            scale *= 128;
        }
        throw new FrameError("a number is too long");
    }

    string(): string {
        const length = this.varint();
        const end = this.position + length;
        if (end > this.bytes.length) throw new FrameError("a string is longer than its frame");
        const text = decoder.decode(this.bytes.subarray(this.position, end));
        this.position = end;
        return text;
    }

    rest(): Uint8Array {
        return this.bytes.subarray(this.position);
    }
}

export class FrameWriter {
    private bytes: Uint8Array;
    private length = 0;

    constructor(type: number, channel: number, capacity = 64) {
        this.bytes = new Uint8Array(capacity);
        this.u8(type).varint(channel);
    }

    private reserve(count: number) {
        if (this.length + count <= this.bytes.length) return;
        const larger = new Uint8Array(Math.max(this.bytes.length * 2, this.length + count));
        larger.set(this.bytes.subarray(0, this.length));
        this.bytes = larger;
    }

    u8(value: number): this {
        this.reserve(1);
        this.bytes[this.length++] = value;
        return this;
    }

    varint(value: number): this {
        if (!Number.isSafeInteger(value) || value < 0) throw new FrameError(`${value} is not a varint`);
        let rest = value;
        while (rest >= 128) {
            this.u8((rest % 128) | 0x80);
            rest = Math.floor(rest / 128);
        }
        return this.u8(rest);
    }

    string(text: string): this {
        const encoded = encoder.encode(text);
        return this.varint(encoded.length).rest(encoded);
    }

    rest(bytes: Uint8Array): this {
        this.reserve(bytes.length);
        this.bytes.set(bytes, this.length);
        this.length += bytes.length;
        return this;
    }

    /** A copy with a buffer of its own, as sockets want it. */
    finish(): Uint8Array {
        return this.bytes.slice(0, this.length);
    }
}

export interface Hello {
    protocol: number;
    connection: string;
    user: unknown;
    serverTime: string;
    limits: { ackEvery: number; inputMax: number };
}

export type ServerFrame =
    | { type: "hello"; channel: number; hello: Hello }
    | { type: "snapshot"; channel: number; offset: number; columns: number; rows: number; bytes: Uint8Array }
    | { type: "output"; channel: number; offset: number; bytes: Uint8Array }
    | { type: "resize"; channel: number; offset: number; columns: number; rows: number }
    | { type: "skip"; channel: number; from: number; to: number }
    | { type: "state"; channel: number; state: SeatView }
    | { type: "inputAccepted"; channel: number; sequence: number }
    | { type: "inputRefused"; channel: number; sequence: number; code: string; sentence: string }
    | { type: "notice"; channel: number; code: string; sentence: string; hint: string }
    | { type: "exit"; channel: number; ending: SessionEnding }
    | { type: "error"; channel: number; error: { error: string; code: string; hint: string } }
    | { type: "pong"; channel: number; time: number }
    | { type: "note"; channel: number; kind: string; value: unknown }
    | { type: "unknown"; channel: number; code: number };

export function decode(data: Uint8Array): ServerFrame {
    const reader = new FrameReader(data);
    const code = reader.u8();
    const channel = reader.varint();
    switch (code) {
        case 0x01:
            return { type: "hello", channel, hello: json(reader) };
        case 0x02:
            return {
                type: "snapshot",
                channel,
                offset: reader.varint(),
                columns: size(reader),
                rows: size(reader),
                bytes: reader.rest(),
            };
        case 0x03:
            return { type: "output", channel, offset: reader.varint(), bytes: reader.rest() };
        case 0x04:
            return { type: "resize", channel, offset: reader.varint(), columns: size(reader), rows: size(reader) };
        case 0x05:
            return { type: "skip", channel, from: reader.varint(), to: reader.varint() };
        case 0x06:
            return { type: "state", channel, state: json(reader) };
        case 0x07:
            return { type: "inputAccepted", channel, sequence: reader.varint() };
        case 0x08:
            return {
                type: "inputRefused",
                channel,
                sequence: reader.varint(),
                code: reader.string(),
                sentence: reader.string(),
            };
        case 0x09:
            return { type: "notice", channel, code: reader.string(), sentence: reader.string(), hint: reader.string() };
        case 0x0a:
            return { type: "exit", channel, ending: json(reader) };
        case 0x0b:
            return { type: "error", channel, error: json(reader) };
        case 0x0c:
            return { type: "pong", channel, time: reader.varint() };
        case 0x0d:
            return { type: "note", channel, kind: reader.string(), value: json(reader) };
        default:
            return { type: "unknown", channel, code };
    }
}

function json<T>(reader: FrameReader): T {
    try {
        return JSON.parse(reader.string());
    } catch {
        throw new FrameError("a frame holds text that is not JSON");
    }
}

function size(reader: FrameReader): number {
    const value = reader.varint();
    if (value < 1 || value > 10_000) throw new FrameError("a terminal size is out of range");
    return value;
}

export interface Attach {
    session: string;
    /** The position up to which this page has the output, or null when it has nothing. */
    have: number | null;
    columns: number;
    rows: number;
    client: string;
    device: string;
}

export const encode = {
    attach: (channel: number, attach: Attach) =>
        new FrameWriter(0x41, channel).string(attach.session).varint(attach.have === null ? 0 : attach.have + 1)
            .varint(attach.columns).varint(attach.rows).string(attach.client).string(attach.device).finish(),
    input: (channel: number, sequence: number, bytes: Uint8Array) =>
        new FrameWriter(0x42, channel, bytes.length + 24).varint(sequence).rest(bytes).finish(),
    acknowledge: (channel: number, offset: number) => new FrameWriter(0x43, channel).varint(offset).finish(),
    size: (channel: number, columns: number, rows: number) =>
        new FrameWriter(0x44, channel).varint(columns).varint(rows).finish(),
    take: (channel: number) => new FrameWriter(0x45, channel).finish(),
    give: (channel: number, seat: string) => new FrameWriter(0x46, channel).string(seat).finish(),
    request: (channel: number) => new FrameWriter(0x47, channel).finish(),
    detach: (channel: number) => new FrameWriter(0x48, channel).finish(),
    ping: (time: number) => new FrameWriter(0x49, 0).varint(time).finish(),
    visible: (channel: number, isVisible: boolean) => new FrameWriter(0x4a, channel).u8(isVisible ? 1 : 0).finish(),
    note: (channel: number, kind: string, value: unknown) =>
        new FrameWriter(0x4b, channel).string(kind).string(JSON.stringify(value)).finish(),
};
