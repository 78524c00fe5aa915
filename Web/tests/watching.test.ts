import assert from "node:assert/strict";
import test from "node:test";
import { cutOfRow, followedLeft, followedRow, steppedLetters, watchedSize } from "../src/terminal/watching";

test("a wide screen keeps letters that can be read on a phone", () => {
    assert.equal(watchedSize("readable", 13, 3.75), 9);
    assert.equal(watchedSize("readable", 13, 10.5), 10.5);
    assert.equal(watchedSize("readable", 13, 20), 13);
    assert.equal(watchedSize("readable", 8, 3.75), 8);
    assert.equal(watchedSize("whole", 13, 3.75), 3.75);
    assert.equal(watchedSize(14, 13, 3.75), 14);
});

test("larger and smaller letters work for a watcher, down to the whole screen", () => {
    assert.deepEqual(steppedLetters("readable", 1, 13, 3.75), { letters: 10, chosen: 13 });
    assert.deepEqual(steppedLetters("whole", 1, 13, 3.75), { letters: 5, chosen: 13 });
    assert.deepEqual(steppedLetters(4, -1, 13, 3.75), { letters: "whole", chosen: 13 });
    assert.deepEqual(steppedLetters("whole", -1, 13, 3.75), { letters: "whole", chosen: 13 });
    assert.deepEqual(steppedLetters(28, 1, 13, 3.75), { letters: 28, chosen: 13 });
});

test("with room to spare the person's own size changes", () => {
    assert.deepEqual(steppedLetters("readable", 1, 13, 20), { letters: "readable", chosen: 14 });
    assert.deepEqual(steppedLetters("readable", -1, 13, 20), { letters: "readable", chosen: 12 });
});

test("the view moves to the cursor only when it is out of sight, and back to the left edge when it can", () => {
    assert.equal(followedLeft(0, 380, 100, 5), 0);
    assert.equal(followedLeft(200, 380, 300, 5), 200);
    assert.equal(followedLeft(200, 380, 50, 5), 0);
    assert.equal(followedLeft(0, 380, 600, 5), 334);
});

test("a screen that is higher than its room shows whole rows", () => {
    assert.equal(cutOfRow(100, 5, 20), 0);
    assert.equal(cutOfRow(90, 5, 20), 10);
    assert.equal(cutOfRow(80, 5, 20), 0);
    assert.equal(cutOfRow(99.8, 5, 20), 0);
});

test("of a high screen the part with the cursor is shown", () => {
    assert.equal(followedRow(20, 40, 59), 20);
    assert.equal(followedRow(20, 40, 2), 0);
    assert.equal(followedRow(0, 20, 40), 26);
});
