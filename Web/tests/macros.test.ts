import assert from "node:assert/strict";
import test from "node:test";
import { filled, isComplete, placeholders, shellWord } from "../src/macros/placeholders";
import { fuzzyScore } from "../src/palette/fuzzy";

test("each placeholder is asked for once, with its value to begin with", () => {
    assert.deepEqual(placeholders("cp {{file}} {{file}}.bak; echo {{unit=nginx}} {{filter:raw}}"), [
        { name: "file", initial: "", isRaw: false },
        { name: "unit", initial: "nginx", isRaw: false },
        { name: "filter", initial: "", isRaw: true },
    ]);
    assert.deepEqual(placeholders("{{ }} {{}} ${x} {single}"), []);
});

test("a value is one word of the shell, whatever stands in it", () => {
    assert.equal(filled("rm -- {{file}}", { file: "a; reboot" }), "rm -- 'a; reboot'");
    assert.equal(filled("rm -- {{file}}", { file: "it's" }), `rm -- 'it'\\''s'`);
    assert.equal(filled("rm -- {{file}}", { file: "/var/log/a.log" }), "rm -- /var/log/a.log");
    assert.equal(shellWord(""), "''");
});

test("a raw value is typed as it is, but brings no line end and no control byte", () => {
    assert.equal(filled("journalctl {{options:raw}}", { options: "-u a -n 5" }), "journalctl -u a -n 5");
    assert.equal(filled("echo {{x:raw}}", { x: "a\rreboot\x1b[A" }), "echo a reboot [A");
});

test("values that look like placeholders are not filled again", () => {
    assert.equal(filled("echo {{a}} {{b}}", { a: "{{b}}", b: "x" }), "echo '{{b}}' x");
});

test("a macro is complete when everything is given", () => {
    assert.equal(isComplete("a {{x}} {{y}}", { x: "1" }), false);
    assert.equal(isComplete("a {{x}} {{y}}", { x: "1", y: "2" }), true);
    assert.equal(isComplete("uptime", {}), true);
});

test("the palette finds whole words before beginnings before letters", () => {
    const by = (typed: string) =>
        ["database-2", "web-prod-1", "split below", "web-1"].filter((text) => fuzzyScore(text, typed) > 0)
            .sort((a, b) => fuzzyScore(b, typed) - fuzzyScore(a, typed));
    assert.deepEqual(by("web"), ["web-1", "web-prod-1"]);
    assert.deepEqual(by("wp1"), ["web-prod-1"]);
    assert.deepEqual(by("prod web"), ["web-prod-1"]);
    assert.deepEqual(by("zzz"), []);
});
