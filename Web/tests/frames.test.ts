import assert from "node:assert/strict";
import test from "node:test";
import { decode, encode, FrameError, FrameReader, FrameWriter } from "../src/terminal/frames";

const text = (value: string) => new TextEncoder().encode(value);

test("varints survive the way at every length up to 2^53", () => {
    for (const value of [0, 1, 127, 128, 16_383, 16_384, 2 ** 31, 2 ** 32 + 5, Number.MAX_SAFE_INTEGER]) {
        const reader = new FrameReader(new FrameWriter(1, 0).varint(value).finish());
        reader.u8();
        reader.varint();
        assert.equal(reader.varint(), value);
    }
});

test("a varint beyond 2^53 is refused instead of rounded", () => {
    assert.throws(
        () => new FrameReader(new Uint8Array([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f])).varint(),
        FrameError,
    );
    assert.throws(() => new FrameReader(new Uint8Array(12).fill(0x80)).varint(), FrameError);
});

test("an attach frame has the bytes that the contract names", () => {
    const frame = encode.attach(3, {
        session: "ses_1",
        have: 299,
        columns: 80,
        rows: 24,
        client: "ab",
        device: "phone",
    });
    assert.deepEqual([...frame], [
        0x41,
        3,
        5,
        ...text("ses_1"),
        0xac,
        2,
        80,
        24,
        2,
        ...text("ab"),
        5,
        ...text("phone"),
    ]);
});

test("an attach without output asks from nothing, which is not offset zero", () => {
    const position = (have: number | null) =>
        encode.attach(1, { session: "", have, columns: 1, rows: 1, client: "", device: "" })[3];
    assert.equal(position(null), 0);
    assert.equal(position(0), 1);
});

test("input frames carry their number and their bytes", () => {
    assert.deepEqual([...encode.input(2, 130, text("ls\r"))], [0x42, 2, 0x82, 1, ...text("ls\r")]);
});

test("output keeps its offset and the rest of the frame", () => {
    const data = new FrameWriter(0x03, 7).varint(5_000_000_000).rest(text("hé")).finish();
    assert.deepEqual(decode(data), { type: "output", channel: 7, offset: 5_000_000_000, bytes: text("hé") });
});

test("a snapshot has offset, size and bytes in this order", () => {
    const data = new FrameWriter(0x02, 1).varint(9).varint(120).varint(40).rest(text("x")).finish();
    assert.deepEqual(decode(data), {
        type: "snapshot",
        channel: 1,
        offset: 9,
        columns: 120,
        rows: 40,
        bytes: text("x"),
    });
});

test("refusals and notices carry their sentences", () => {
    assert.deepEqual(decode(new FrameWriter(0x08, 1).varint(4).string("view_only").string("Watching.").finish()), {
        type: "inputRefused",
        channel: 1,
        sequence: 4,
        code: "view_only",
        sentence: "Watching.",
    });
    assert.deepEqual(decode(new FrameWriter(0x09, 1).string("a").string("b").string("c").finish()), {
        type: "notice",
        channel: 1,
        code: "a",
        sentence: "b",
        hint: "c",
    });
});

test("a frame of a kind that is not known is not an error", () => {
    assert.deepEqual(decode(new Uint8Array([0x7f, 4, 1, 2])), { type: "unknown", channel: 4, code: 0x7f });
});

test("cut, overlong and senseless frames are refused", () => {
    assert.throws(() => decode(new Uint8Array([])), FrameError);
    assert.throws(() => decode(new Uint8Array([0x03, 1])), FrameError);
    assert.throws(() => decode(new Uint8Array([0x06, 1, 9, 0x7b])), FrameError);
    assert.throws(() => decode(new FrameWriter(0x06, 1).string("{").finish()), FrameError);
    assert.throws(() => decode(new FrameWriter(0x04, 1).varint(0).varint(0).varint(24).finish()), FrameError);
    assert.throws(() => decode(new FrameWriter(0x04, 1).varint(0).varint(99_999).varint(24).finish()), FrameError);
});

test("a note carries its kind and its value, both ways", () => {
    const frame = encode.note(2, "typing", { a: 1 });
    assert.deepEqual([...frame], [0x4b, 2, 6, ...text("typing"), 7, ...text('{"a":1}')]);
    const bytes = new FrameWriter(0x0d, 2).string("chat.message").string('{"id":"m"}').finish();
    assert.deepEqual(decode(bytes), { type: "note", channel: 2, kind: "chat.message", value: { id: "m" } });
    assert.throws(() => decode(new FrameWriter(0x0d, 2).string("x").string("{").finish()), FrameError);
});
