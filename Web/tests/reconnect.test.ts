import assert from "node:assert/strict";
import test from "node:test";
import { Acknowledgements, OutputPosition, reconnectDelay } from "../src/terminal/reconnect";

test("attempts start within a third of a second and settle at about eight", () => {
    assert.ok(reconnectDelay(0, 1) <= 320);
    assert.deepEqual([0, 1, 2, 3, 4, 5, 50].map((attempt) => reconnectDelay(attempt, 0.5)), [
        250,
        500,
        1000,
        2000,
        4000,
        8000,
        8000,
    ]);
    assert.ok(reconnectDelay(9, 0) >= 6_000 && reconnectDelay(9, 1) <= 10_000);
});

test("output in order is taken whole", () => {
    const position = new OutputPosition();
    assert.deepEqual(position.admit(100, new Uint8Array([1, 2])), new Uint8Array([1, 2]));
    assert.deepEqual(position.admit(102, new Uint8Array([3])), new Uint8Array([3]));
    assert.equal(position.received, 103);
});

test("output that came before is not shown twice", () => {
    const position = new OutputPosition();
    position.received = 10;
    assert.deepEqual(position.admit(8, new Uint8Array([8, 9, 10, 11])), new Uint8Array([10, 11]));
    assert.deepEqual(position.admit(0, new Uint8Array([1, 2])), new Uint8Array([]));
    assert.equal(position.received, 12);
});

test("missing output is noticed and nothing is taken", () => {
    const position = new OutputPosition();
    position.received = 10;
    assert.equal(position.admit(11, new Uint8Array([1])), "gap");
    assert.equal(position.received, 10);
});

test("a whole piece is acknowledged at once, less within the delay", async () => {
    const sent: number[] = [];
    const acknowledgements = new Acknowledgements((offset) => sent.push(offset), 32_768, 5);
    acknowledgements.wrote(40_000);
    assert.deepEqual(sent, [40_000]);
    acknowledgements.wrote(40_010);
    acknowledgements.wrote(40_020);
    assert.deepEqual(sent, [40_000]);
    await new Promise((resolve) => setTimeout(resolve, 30));
    assert.deepEqual(sent, [40_000, 40_020]);
});

test("after a new link nothing is acknowledged in the old one's name", async () => {
    const sent: number[] = [];
    const acknowledgements = new Acknowledgements((offset) => sent.push(offset), 32_768, 5);
    acknowledgements.wrote(10);
    acknowledgements.cancel();
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.deepEqual(sent, []);
});
