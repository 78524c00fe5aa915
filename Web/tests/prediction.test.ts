import assert from "node:assert/strict";
import test from "node:test";
import { EchoPredictor, type EchoScreen } from "../src/terminal/prediction";

/** A host's screen: what it echoes comes when the test says so. */
class Host implements EchoScreen {
    columns = 40;
    cursor = { x: 0, y: 0 };
    isAlternate = false;
    private rows: string[][] = [[]];

    cell(x: number, y: number) {
        return this.rows[y]?.[x] ?? "";
    }

    write(text: string) {
        for (const character of text) {
            if (character === "\n") {
                this.cursor = { x: 0, y: this.cursor.y + 1 };
                this.rows[this.cursor.y] ??= [];
            } else if (character === "\b") this.cursor.x -= 1;
            else {
                (this.rows[this.cursor.y] ??= [])[this.cursor.x] = character;
                this.cursor.x += 1;
            }
        }
    }
}

function room(latency = 300) {
    const host = new Host();
    const predictor = new EchoPredictor();
    predictor.setLatency(latency);
    let now = 0;
    return {
        host,
        predictor,
        say(text: string) {
            host.write(text);
            predictor.rendered(host, now);
        },
        type(text: string) {
            predictor.typed(text, host, now);
        },
        wait(milliseconds: number) {
            now += milliseconds;
            predictor.rendered(host, now);
        },
        get shown() {
            return predictor.shown?.cells.map((cell) => cell.text).join("") ?? "";
        },
    };
}

/** A shell that has echoed two letters of the line. */
function trusted(latency = 300) {
    const made = room(latency);
    made.say("$ ");
    made.type("ec");
    made.say("ec");
    return made;
}

test("letters are shown before the echo once the host was seen echoing", () => {
    const r = room();
    r.say("$ ");
    r.type("ec");
    assert.equal(r.shown, "", "nothing is known of this line yet");
    r.say("ec");
    r.type("ho");
    assert.equal(r.shown, "ho");
    assert.deepEqual(r.predictor.shown?.cursor, { x: 6, y: 0 });
    r.say("h");
    assert.equal(r.shown, "o");
    r.say("o");
    assert.equal(r.shown, "");
});

test("a password never appears: the prompt came after Enter, and nothing is echoed", () => {
    const r = trusted();
    r.type("\r");
    r.type("secret");
    assert.equal(r.shown, "", "typed ahead of the prompt");
    r.say("\nPassword: ");
    r.type("hunter2");
    assert.equal(r.shown, "");
    r.wait(2_000);
    r.type("more");
    assert.equal(r.shown, "");
    r.type("\r");
    r.say("\n$ ");
    assert.equal(r.shown, "");
});

test("stars in the place of letters are no echo", () => {
    const r = trusted();
    r.type("\r");
    r.say("\nPassword: ");
    r.type("hu");
    r.say("**");
    r.wait(2_000);
    r.type("nter");
    assert.equal(r.shown, "");
});

test("a prompt that comes without Enter ends the trust in the line", () => {
    const r = trusted();
    r.say("\nPassphrase for key: ");
    r.type("abc");
    assert.equal(r.shown, "");
});

test("a full-screen program gets no predictions", () => {
    const r = trusted();
    r.host.isAlternate = true;
    r.say("");
    r.type("dd");
    assert.equal(r.shown, "");
});

test("a quick link needs none, and one that becomes slow gets them", () => {
    const r = trusted(20);
    r.type("ho");
    assert.equal(r.shown, "");
    r.predictor.setLatency(50);
    assert.equal(r.shown, "", "between the two limits it stays as it is");
    r.predictor.setLatency(120);
    assert.equal(r.shown, "ho");
    r.predictor.setLatency(50);
    assert.equal(r.shown, "ho");
    r.predictor.setLatency(null);
    assert.equal(r.shown, "");
});

test("a wrong prediction goes away, and so does the trust", () => {
    const r = trusted();
    r.type("x");
    assert.equal(r.shown, "x");
    r.wait(1_500);
    assert.equal(r.shown, "");
    r.type("y");
    assert.equal(r.shown, "");
});

test("backspace takes back a letter, whether it was echoed or not", () => {
    const r = trusted();
    r.type("hx\x7f");
    assert.deepEqual(r.predictor.shown?.cursor, { x: 5, y: 0 });
    r.say("hx");
    r.say("\b \b");
    assert.equal(r.shown, "");
    r.type("o");
    assert.equal(r.shown, "o");
});

test("the middle of a line and the last column are the shell's own business", () => {
    const r = trusted();
    r.say("\b");
    r.type("z");
    assert.equal(r.shown, "");
    const edge = room();
    edge.host.columns = 6;
    edge.say("$ ");
    edge.type("ab");
    edge.say("ab");
    edge.type("cdef");
    assert.equal(edge.shown, "");
});
