import test from "node:test";
import assert from "node:assert/strict";
import { qrPath } from "../src/settings/qrPath";

test("a run of dark modules is one stretch of the path, and light ones are none", () => {
    assert.equal(qrPath(["0110", "1001", "0000"]), "M1 0h2v1h-2zM0 1h1v1h-1zM3 1h1v1h-1z");
});
