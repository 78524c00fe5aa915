import assert from "node:assert/strict";
import test from "node:test";
import { aliasProblem, isAliasTaken, parseEndpoint, portProblem, suggestedAlias } from "../src/hosts/draft";
import { inUsefulOrder, matches } from "../src/hosts/search";
import { passwordProblem } from "../src/people/password";
import { idleJump, LineSplitter, parseEvent, parseHeader, parseSize } from "../src/recordings/eventStream";
import { minutesProblem } from "../src/settings/minutes";
import { endingSentence } from "../src/terminal/endings";
import { controlHint, mayTake } from "../src/terminal/notices";
import { codePointWidth } from "../src/terminal/widths";
import { ago, clock, inert, initials, span } from "../src/ui/text";

test("names of hosts and people are shown, never obeyed", () => {
    assert.equal(inert("a\u001b[31mb\u202ec\u0007"), "a·[31mb·c·");
    assert.equal(inert("x".repeat(300), 10), "xxxxxxxxxx…");
    assert.equal(inert(null), "");
});

test("times and lengths read well", () => {
    assert.equal(clock(75), "1:15");
    assert.equal(clock(3675), "1:01:15");
    assert.equal(span(59.6), "1 min");
    assert.equal(span(3 * 3600 + 300), "3 h 5 min");
    assert.equal(ago(1_000, 31_000), "just now");
    assert.equal(ago(0, 7_200_000), "2 h ago");
    assert.equal(initials("Ada Lindqvist"), "AL");
});

test("an address with user and port fills three fields", () => {
    assert.deepEqual(parseEndpoint("deploy@web.example.net:2222"), {
        username: "deploy",
        address: "web.example.net",
        port: "2222",
    });
    assert.deepEqual(parseEndpoint("ssh://root@[2001:db8::1]:22/"), {
        username: "root",
        address: "2001:db8::1",
        port: "22",
    });
    assert.equal(parseEndpoint("not an address").address, "not an address");
    assert.equal(suggestedAlias("Web-01.example.net"), "web-01");
    assert.equal(suggestedAlias("10.0.0.1"), "");
});

test("a port and an alias are checked before the server is asked", () => {
    assert.equal(portProblem("22"), null);
    assert.ok(portProblem("0"));
    assert.ok(portProblem("65536"));
    assert.ok(portProblem("ssh"));
    assert.equal(aliasProblem("web-prod.01"), null);
    assert.ok(aliasProblem("web prod"));
    assert.ok(isAliasTaken(" Web-1", [{ alias: "web-1" }]));
    assert.ok(!isAliasTaken("web", [{ alias: "web-1" }]));
});

test("minutes that are no number are refused, not guessed", () => {
    assert.equal(minutesProblem("30", 1), null);
    assert.equal(minutesProblem("0", 0), null);
    for (const text of ["", " ", "0", "-5", "2.5", "1e3", "10081"]) assert.ok(minutesProblem(text, 1), text);
});

test("hosts are found by words, tags and environment", () => {
    const host = { alias: "gpu-4", environment: "staging" as const, purpose: "Training", tags: ["gpu", "cuda"] };
    assert.ok(matches(host, "train cud"));
    assert.ok(matches(host, "tag:gp env:stag"));
    assert.ok(!matches(host, "tag:web"));
    assert.deepEqual(
        inUsefulOrder([
            { alias: "b", lastUsedAt: null },
            { alias: "a", lastUsedAt: null },
            { alias: "c", lastUsedAt: "2026" },
            { alias: "d", lastUsedAt: null, activeSessions: 1 },
        ]).map((one) => one.alias),
        ["d", "c", "a", "b"],
    );
});

test("a password is long, and not the name", () => {
    assert.ok(passwordProblem("short", "ada"));
    assert.equal(passwordProblem("aaaaaaaaaaaaaa", "x"), "Use at least 5 different characters.");
    assert.ok(passwordProblem("my name is ada!", "ada"));
    assert.equal(passwordProblem("correct horse battery", "ada"), null);
});

test("a recording's lines are found across pieces and characters cut in two", () => {
    const splitter = new LineSplitter();
    const data = new TextEncoder().encode('[1,"o","é"]\n[2,"o","x"]\n[3');
    const cut = data.indexOf(0xc3) + 1;
    assert.deepEqual(splitter.push(data.subarray(0, cut)), []);
    assert.deepEqual(splitter.push(data.subarray(cut)), ['[1,"o","é"]', '[2,"o","x"]']);
    assert.deepEqual(splitter.end(), ["[3"]);
    assert.deepEqual(parseEvent('[1.5,"o","a"]'), [1.5, "o", "a"]);
    assert.equal(parseEvent("[3"), null);
    assert.equal(parseHeader('{"columns":80}'), null);
    assert.deepEqual(parseSize("120x40"), { columns: 120, rows: 40 });
    assert.equal(parseSize("0x4"), null);
});

test("idle time is jumped over, up to just before what comes next", () => {
    assert.equal(idleJump(10, 11.5), 0);
    assert.ok(Math.abs(idleJump(10, 70) - 59.6) < 1e-9);
});

test("each ending has its sentence", () => {
    assert.equal(endingSentence({ reason: "exit", exitStatus: 3 }), "The shell exited with status 3.");
    assert.equal(endingSentence({ reason: "exit", signal: "KILL" }), "The shell was ended by the signal KILL.");
    assert.equal(
        endingSentence({ reason: "host_lost", detail: "No answer for 30 s." }),
        "The link to the host was lost. No answer for 30 s.",
    );
    const lost = (detail: string) => endingSentence({ reason: "host_lost", detail });
    assert.equal(
        lost("The connection to the host was lost: The connection to the host broke off."),
        "The link to the host was lost.",
    );
    assert.equal(
        lost("The connection to the host was lost: web-1 did not answer for 30 s."),
        "The link to the host was lost. web-1 did not answer for 30 s.",
    );
});

test("whoever gets control is told what is true of the keyboard", () => {
    const seat = (holder: string | null, isMine = false) => ({
        you: { seatId: "s1", mode: "control" as const, holder: isMine, mayType: isMine },
        keyboard: { holder: holder === null ? null : { seatId: "s2", userId: "u2", name: holder }, epoch: 1 },
    });
    assert.equal(controlHint(seat(null)), "Type to begin.");
    assert.equal(controlHint(seat("Ada")), "Ada has the keyboard: take it to type.");
    assert.equal(controlHint(seat("Grace", true)), "Type to begin.");
    assert.ok(mayTake(seat("Ada")));
    assert.ok(!mayTake({ ...seat("Ada"), you: { ...seat("Ada").you, mode: "view" } }));
});

test("wide, narrow and joining characters take their columns", () => {
    assert.equal(codePointWidth(0x61), 1);
    assert.equal(codePointWidth(0x4f60), 2);
    assert.equal(codePointWidth(0x1f600), 2);
    assert.equal(codePointWidth(0x301), 0);
});
