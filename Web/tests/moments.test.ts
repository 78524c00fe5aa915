import assert from "node:assert/strict";
import test from "node:test";
import { mentionAt, parts } from "../src/sharing/moments";

const kinds = (text: string, length = 3600) =>
    parts(text, length).map((part) =>
        part.kind === "moment" ? part.seconds : part.kind === "mention" ? `@${part.username}` : part.text
    );

test("a time of the session is a moment, with hours or without", () => {
    assert.deepEqual(kinds("look at 12:03, then 0:59:01"), ["look at ", 723, ", then ", 3541]);
});

test("what is no time of this session stays text", () => {
    for (const text of ["at 12:61", "10.0.0.1:8080", "at 99:59", "1:2:3:4", "a:12:3", "12:034"]) {
        assert.deepEqual(kinds(text), [text], text);
    }
    assert.deepEqual(kinds("at 12:03", 60), ["at 12:03"]);
});

test("a mention is a user name after an @ that is no part of an address", () => {
    assert.deepEqual(kinds("@Ada. mail x@eve.org"), ["@ada", ". mail x@eve.org"]);
    assert.deepEqual(kinds("(@bob-2)"), ["(", "@bob-2", ")"]);
});

test("the text of all parts together is the message, whatever it holds", () => {
    for (const text of ["<b>@x 1:00</b>", "\u202e@a", "@", "@@a", "1:00".repeat(200), "🚀@ä 0:01"]) {
        assert.equal(parts(text, 3600).map((part) => part.text).join(""), text);
    }
});

test("whoever types an @ chooses whom to mention", () => {
    assert.deepEqual(mentionAt("hi @ad", 6), { start: 3, query: "ad" });
    assert.deepEqual(mentionAt("@", 1), { start: 0, query: "" });
    assert.equal(mentionAt("x@ad", 4), null);
    assert.equal(mentionAt("@ad done", 8), null);
});
