import assert from "node:assert/strict";
import test from "node:test";
import { arrange, neighbour, only, parse, sessionsOf, withShare, withSplit, without, write } from "../src/terminal/layout";

const three = "r60.ses_a.c50.ses_b.ses_c";

test("a layout travels as text and comes back the same", () => {
    const layout = parse(three) ?? "";
    assert.equal(write(layout), three);
    assert.deepEqual(sessionsOf(layout), ["ses_a", "ses_b", "ses_c"]);
    assert.equal(parse("ses_alone"), "ses_alone");
});

test("what is no layout is none: halves missing, too much, twice the same, too many panes", () => {
    for (const text of ["", "r60.ses_a", "r60.ses_a.ses_b.ses_c", "r50.ses_a.ses_a", "x50.ses_a.ses_b", "r50.<b>.ses_b"]) {
        assert.equal(parse(text), null, text);
    }
    const many = Array.from({ length: 20 }, (_, index) => `r50.ses_${index}`).join(".") + ".ses_end";
    assert.equal(parse(many), null);
});

test("a share beyond the borders is moved back", () => {
    assert.equal(write(parse("r99.ses_a.ses_b") ?? ""), "r85.ses_a.ses_b");
});

test("panes fill the whole without a gap", () => {
    const { panes, borders } = arrange(parse(three) ?? "");
    assert.deepEqual(panes.get("ses_a"), { left: 0, top: 0, width: 60, height: 100 });
    assert.deepEqual(panes.get("ses_c"), { left: 60, top: 50, width: 40, height: 50 });
    assert.equal(borders.length, 2);
    assert.deepEqual(borders[1]?.path, ["second"]);
});

test("a split takes half of its pane, and a pane that goes leaves its room to its neighbour", () => {
    const layout = withSplit(parse("r60.ses_a.ses_b") ?? "", "ses_b", "column", "ses_c");
    assert.equal(write(layout), three);
    assert.equal(write(without(layout, "ses_b") ?? ""), "r60.ses_a.ses_c");
    assert.equal(without("ses_a", "ses_a"), null);
    assert.equal(only(layout, (session) => session === "ses_c"), "ses_c");
});

test("a border is moved by its path", () => {
    assert.equal(write(withShare(parse(three) ?? "", ["second"], 30)), "r60.ses_a.c30.ses_b.ses_c");
});

test("the neighbour is the pane that the eye finds in that direction", () => {
    const layout = parse(three) ?? "";
    assert.equal(neighbour(layout, "ses_b", "left"), "ses_a");
    assert.equal(neighbour(layout, "ses_b", "down"), "ses_c");
    assert.equal(neighbour(layout, "ses_c", "up"), "ses_b");
    assert.equal(neighbour(layout, "ses_a", "left"), null);
    assert.ok(["ses_b", "ses_c"].includes(neighbour(layout, "ses_a", "right") ?? ""));
});
