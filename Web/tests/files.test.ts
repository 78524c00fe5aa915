import assert from "node:assert/strict";
import test from "node:test";
import { encodePath, joined } from "../src/files/filesApi";
import { arranged, crumbs, freeName, modeWords, nameProblem, octal } from "../src/files/ordering";
import type { FileEntry } from "../src/files/types";
import { tagsOf } from "../src/hosts/search";

const entry = (name: string, more: Partial<FileEntry> = {}): FileEntry => ({
    name,
    path: `/${name}`,
    encoded: `/${name}`,
    kind: "file",
    size: 1,
    modified: "2026-01-01T00:00:00.000Z",
    mode: "0644",
    owner: null,
    group: null,
    target: null,
    targetKind: null,
    version: null,
    ...more,
});

test("folders come first, links to folders too, and numbers count as numbers", () => {
    const some = [
        entry("file10"),
        entry("file9"),
        entry("z", { kind: "folder" }),
        entry("a", { kind: "link", targetKind: "folder" }),
    ];
    const names = arranged(some, { key: "name", descending: false }, true).map((one) => one.name);
    assert.deepEqual(names, ["a", "z", "file9", "file10"]);
    assert.deepEqual(
        arranged(some, { key: "name", descending: true }, true).map((one) => one.name),
        ["z", "a", "file10", "file9"],
    );
});

test("hidden files are shown when they are wanted", () => {
    const some = [entry(".profile"), entry("notes")];
    assert.equal(arranged(some, { key: "name", descending: false }, false).length, 1);
    assert.equal(arranged(some, { key: "size", descending: false }, true).length, 2);
});

test("each part of a path leads to its folder, byte for byte", () => {
    assert.deepEqual(crumbs("/a b/\ufffd", "/a%20b/%FF"), [
        { name: "/", encoded: "/" },
        { name: "a b", encoded: "/a%20b" },
        { name: "\ufffd", encoded: "/a%20b/%FF" },
    ]);
    assert.equal(crumbs("/", "/").length, 1);
});

test("a name becomes one part of a path, whatever is in it", () => {
    assert.equal(joined("/srv", "a/b?c=d&e#f%"), "/srv/a/b%3Fc%3Dd%26e%23f%25");
    assert.equal(joined("/", "x"), "/x");
    assert.equal(encodePath("/a b+c"), "/a%20b%2Bc");
    for (const name of ["", ".", "..", "a/b", "x".repeat(256), "é".repeat(128)]) assert.ok(nameProblem(name));
    for (const name of ["a", "...", "é".repeat(127), "-rf"]) assert.equal(nameProblem(name), null);
});

test("keeping both finds a name that is free", () => {
    assert.equal(freeName("a.txt", new Set()), "a.txt");
    assert.equal(freeName("a.txt", new Set(["a.txt", "a (2).txt"])), "a (3).txt");
    assert.equal(freeName(".env", new Set([".env"])), ".env (2)");
});

test("permissions are read and written as ls does", () => {
    assert.equal(modeWords("0754"), "rwxr-xr--");
    assert.equal(octal(0o640), "0640");
});

test("the tags of many hosts come first", () => {
    const tags = tagsOf([{ tags: ["web", "gpu"] }, { tags: ["web"] }]);
    assert.deepEqual(tags, [{ tag: "web", count: 2 }, { tag: "gpu", count: 1 }]);
});
