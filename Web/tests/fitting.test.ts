import assert from "node:assert/strict";
import test from "node:test";
import { fitted } from "../src/terminal/fitting";

test("a screen is scaled until all of it is in view, in both directions", () => {
    for (const screen of [{ width: 1680, height: 950 }, { width: 800, height: 1900 }, { width: 386, height: 200 }]) {
        for (const room of [{ width: 356, height: 240 }, { width: 820, height: 280 }, { width: 1180, height: 700 }]) {
            const place = fitted(screen, room, 1.25);
            assert.ok(place !== null);
            const { scale, left, top } = place as NonNullable<typeof place>;
            assert.ok(screen.width * scale <= room.width + 1e-9 && screen.height * scale <= room.height + 1e-9);
            assert.ok(left >= -1e-9 && top >= -1e-9);
            assert.ok(scale === 1.25 || Math.min(left, top) < 1e-9, "one direction is used up, or the limit is reached");
        }
    }
});

test("a screen that is not shown is left alone", () => {
    assert.equal(fitted({ width: 0, height: 0 }, { width: 356, height: 240 }, 1), null);
    assert.equal(fitted({ width: 800, height: 400 }, { width: 0, height: 0 }, 1), null);
});
