import assert from "node:assert/strict";
import test from "node:test";
import type { RecordingHit } from "../src/api/types";
import { hitAt } from "../src/recordings/hits";
import { daysProblem } from "../src/settings/days";

const hits = (...times: number[]) => times.map((time) => ({ time }) as RecordingHit);

test("the place that was found last is the one that is current", () => {
    assert.equal(hitAt(hits(1, 2, 5), 0), -1);
    assert.equal(hitAt(hits(1, 2, 5), 2), 1);
    assert.equal(hitAt(hits(1, 2, 5), 99), 2);
    assert.equal(hitAt([], 3), -1);
});

test("days are whole numbers, and an empty field is none", () => {
    assert.equal(daysProblem("0"), null);
    assert.equal(daysProblem(" 365 "), null);
    for (const wrong of ["", "-1", "1.5", "many", "36501"]) assert.equal(typeof daysProblem(wrong), "string");
});
