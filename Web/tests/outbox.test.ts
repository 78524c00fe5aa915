import assert from "node:assert/strict";
import test from "node:test";
import { concatenate, FRAME_LIMIT, OFFLINE_LIMIT, Outbox, STALE_AFTER, WINDOW } from "../src/terminal/outbox";

const bytes = (value: string) => new TextEncoder().encode(value);
const online = (first?: number) => {
    const outbox = new Outbox(first);
    outbox.connected(0);
    return outbox;
};

test("keys go out at once, numbered from one", () => {
    const outbox = online();
    outbox.push(bytes("a"), 0);
    outbox.push(bytes("b"), 1);
    assert.deepEqual(outbox.take().map((frame) => frame.sequence), [1, 2]);
    assert.deepEqual(outbox.take(), []);
});

test("a later view of the session goes on with the numbers", () => {
    const outbox = online(42);
    outbox.push(bytes("a"), 0);
    assert.equal(outbox.take()[0]?.sequence, 42);
    assert.equal(outbox.nextSequence, 43);
});

test("a megabyte goes out in small frames, never more than the window ahead, and arrives whole", () => {
    const outbox = online();
    const paste = new Uint8Array(1024 * 1024).map((_, index) => index % 251);
    assert.ok(outbox.push(paste, 0));
    const sent: Uint8Array[] = [];
    for (let frames = outbox.take(); frames.length > 0; frames = outbox.take()) {
        const ahead = frames.reduce((sum, frame) => sum + frame.bytes.length, 0);
        assert.ok(ahead <= WINDOW);
        for (const frame of frames) {
            assert.ok(frame.bytes.length <= FRAME_LIMIT);
            sent.push(frame.bytes);
        }
        outbox.accepted(frames[frames.length - 1]?.sequence ?? 0);
    }
    assert.deepEqual(concatenate(sent), paste);
    assert.equal(outbox.pendingBytes, 0);
});

test("what was not accepted is sent again under the same numbers when the link is soon back", () => {
    const outbox = online();
    outbox.push(bytes("ab"), 1_000);
    const before = outbox.take();
    outbox.disconnected();
    outbox.push(bytes("c"), 2_000);
    assert.deepEqual(outbox.take(), []);
    outbox.connected(3_000);
    assert.deepEqual(outbox.take().map((frame) => frame.sequence), [before[0]?.sequence, 2]);
});

test("old keys are held until the person decides, and later keys wait behind them", () => {
    const outbox = online();
    outbox.disconnected();
    outbox.push(bytes("reboot\r"), 0);
    outbox.connected(STALE_AFTER + 1);
    outbox.push(bytes("x"), STALE_AFTER + 2);
    assert.deepEqual(outbox.take(), []);
    assert.deepEqual(outbox.held, bytes("reboot\rx"));
    outbox.release();
    assert.equal(outbox.take().length, 2);
    assert.equal(outbox.held, null);
});

test("discarding leaves nothing, and new keys flow", () => {
    const outbox = online();
    outbox.disconnected();
    outbox.push(bytes("old"), 0);
    outbox.connected(60_000);
    outbox.discard();
    outbox.push(bytes("new"), 60_001);
    assert.deepEqual(outbox.take().map((frame) => new TextDecoder().decode(frame.bytes)), ["new"]);
});

test("held keys that the server had already accepted need no decision", () => {
    const outbox = online();
    outbox.push(bytes("a"), 0);
    outbox.take();
    outbox.disconnected();
    outbox.connected(60_000);
    assert.ok(outbox.held);
    outbox.accepted(1);
    assert.equal(outbox.held, null);
});

test("a refusal drops what was typed behind it", () => {
    const outbox = online();
    outbox.push(new Uint8Array(WINDOW * 2), 0);
    outbox.take();
    outbox.refused();
    assert.equal(outbox.pendingBytes, 0);
    outbox.push(bytes("a"), 1);
    assert.equal(outbox.take().length, 1);
});

test("a large paste without a link is not taken", () => {
    const outbox = new Outbox();
    assert.equal(outbox.push(new Uint8Array(OFFLINE_LIMIT + 1), 0), false);
    assert.equal(outbox.pendingBytes, 0);
});

test("what the server finds too old is asked about, and keeps its numbers", () => {
    const outbox = new Outbox();
    outbox.connected(0);
    outbox.push(new Uint8Array([13]), 0);
    assert.deepEqual(outbox.take().map((frame) => frame.sequence), [1]);
    outbox.hold();
    assert.deepEqual([...(outbox.held ?? [])], [13]);
    assert.deepEqual(outbox.take(), []);
    outbox.release();
    assert.deepEqual(outbox.take().map((frame) => frame.sequence), [1]);
});
