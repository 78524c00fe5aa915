import assert from "node:assert/strict";
import test from "node:test";
import { difference, isComposedScript, SEED, shouldReseed } from "../src/terminal/inputDiff";
import { controlCharacter, isAutomaticReport, lineCount, namedKey, pasteBytes, withModifiers } from "../src/terminal/keys";

test("typing adds, and only the new text is sent", () => {
    assert.equal(difference(SEED, SEED + "l"), "l");
    assert.equal(difference(SEED + "l", SEED + "ls -la"), "s -la");
});

test("a keyboard that corrects a word deletes what it replaces", () => {
    assert.equal(difference(SEED + "hello ", SEED + "hell"), "\x7f\x7f");
    assert.equal(difference(SEED + "teh", SEED + "the "), "\x7f\x7fhe ");
});

test("Backspace on an empty line reaches the shell, again and again", () => {
    assert.equal(difference(SEED, SEED.slice(0, -1)), "\x7f");
    assert.equal(difference(SEED.slice(0, -1), SEED.slice(0, -3)), "\x7f\x7f");
});

test("an emoji is one deletion", () => {
    assert.equal(difference(SEED + "a😀", SEED + "a"), "\x7f");
});

test("a line end is Enter, and the field starts anew after it", () => {
    assert.equal(difference(SEED + "ls", SEED + "ls\n"), "\r");
    assert.ok(shouldReseed(SEED + "ls\n", "\r", false));
    assert.ok(!shouldReseed(SEED + "ls\n", "\r", true));
    assert.ok(!shouldReseed(SEED + "ls", "s", false));
    assert.ok(shouldReseed(SEED.slice(0, 5), "\x7f", false));
});

test("scripts that are composed wait for their choice", () => {
    assert.ok(isComposedScript("にほ"));
    assert.ok(isComposedScript("한"));
    assert.ok(!isComposedScript("héllo"));
});

test("arrows follow the program's cursor mode and the modifiers", () => {
    const none = { control: false, alt: false };
    assert.equal(namedKey("up", none, false), "\x1b[A");
    assert.equal(namedKey("up", none, true), "\x1bOA");
    assert.equal(namedKey("left", { control: true, alt: false }, true), "\x1b[1;5D");
    assert.equal(namedKey("pageUp", none, false), "\x1b[5~");
    assert.equal(namedKey("f1", none, false), "\x1bOP");
    assert.equal(namedKey("f12", none, false), "\x1b[24~");
    assert.equal(namedKey("enter", { control: false, alt: true }, false), "\x1b\r");
});

test("sticky Ctrl makes a control character of the next letter alone", () => {
    assert.equal(withModifiers("c", { control: true, alt: false }), "\x03");
    assert.equal(withModifiers("cd", { control: true, alt: false }), "\x03d");
    assert.equal(withModifiers("b", { control: false, alt: true }), "\x1bb");
    assert.equal(controlCharacter("["), "\x1b");
    assert.equal(controlCharacter(" "), "\0");
    assert.equal(controlCharacter("é"), null);
});

test("a paste of three lines has three, with or without a line end after the last", () => {
    assert.equal(lineCount("a\nb\nc"), 3);
    assert.equal(lineCount("a\r\nb\r\nc\r\n"), 3);
    assert.equal(lineCount("a\n\n"), 2);
});

test("a paste can't leave its brackets or smuggle control bytes", () => {
    assert.equal(pasteBytes("a\r\nb\n", true), "\x1b[200~a\rb\r\x1b[201~");
    assert.equal(pasteBytes("x\x1b[201~rm\x03\t", true), "\x1b[200~x[201~rm\t\x1b[201~");
    assert.equal(pasteBytes("é😀", false), "é😀");
});

test("focus and mouse reports are nobody's typing", () => {
    assert.ok(isAutomaticReport("\x1b[I"));
    assert.ok(isAutomaticReport("\x1b[<0;10;5M"));
    assert.ok(!isAutomaticReport("\x1b[A"));
});
