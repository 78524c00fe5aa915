import assert from "node:assert/strict";
import test from "node:test";
import { LARGEST_PIECE, PIECE, type RecordedEvent, recordedEvents } from "../src/recordings/eventStream";
import { Playback, type PlaybackState } from "../src/recordings/playback";

/** Answers as the server does: from the last kept screen before the moment, cut when the limit is reached. */
class Server {
    readonly asked: { from: number; limit: number }[] = [];

    constructor(private readonly events: RecordedEvent[], private readonly screens = [0], private readonly head = 0) {}

    answer(from: number, limit: number): ReadableStream<Uint8Array> {
        this.asked.push({ from, limit });
        const start = this.screens.filter((time) => time <= from).pop() ?? 0;
        let text = `${JSON.stringify({ columns: 80, rows: 24, from: start, snapshot: "A".repeat(this.head) })}\n`;
        let isCut = false;
        for (const event of this.events.filter(([time]) => time >= start)) {
            isCut = text.length >= limit;
            if (isCut) break;
            text += `${JSON.stringify(event)}\n`;
        }
        // A character that was cut in two is closed by the writer as broken.
        if (isCut) text += `${JSON.stringify([lastTime(text), "o", "\ufffd"])}\n`;
        return new Response(text).body as ReadableStream<Uint8Array>;
    }

    async read(from = 0): Promise<RecordedEvent[]> {
        const source = {
            open: (moment: number, limit: number) => Promise.resolve(this.answer(moment, limit)),
            begin: () => Promise.resolve(),
        };
        const read: RecordedEvent[] = [];
        for await (const event of recordedEvents(from, source)) read.push(event);
        return read;
    }
}

function lastTime(text: string): number {
    const last = text.trimEnd().split("\n").pop() ?? "";
    return last.startsWith("[") ? (JSON.parse(last) as RecordedEvent)[0] : 0;
}

function output(count: number, size: number, step = 0.01): RecordedEvent[] {
    return Array.from({ length: count }, (_, index) => [
        Math.round((1 + index * step) * 1e6) / 1e6,
        "o",
        String(index).padEnd(size, "."),
    ]);
}

function screensEach(events: RecordedEvent[], count: number): number[] {
    return [0, ...events.filter((_, index) => index % count === count - 1).map(([time]) => time)];
}

test("a recording of several pieces comes whole, each event once and in order", async () => {
    const events = output(4_000, 1_000);
    const server = new Server(events, screensEach(events, 250));
    assert.deepEqual(await server.read(), events);
    assert.ok(server.asked.length > 3);
    assert.ok(server.asked.every(({ limit }) => limit === PIECE));
});

test("a piece that ends between events of one moment loses none and doubles none", async () => {
    const events = output(4_000, 1_000).map(([time, kind, data]): RecordedEvent => [Math.floor(time), kind, data]);
    const screens = [0, ...new Set(events.map(([time]) => time))];
    assert.deepEqual(await new Server(events, screens).read(), events);
});

test("an event larger than a piece, and a screen larger than a piece, are asked for in larger ones", async () => {
    const large: RecordedEvent[] = [[2, "o", "x".repeat(3 * PIECE)], [3, "o", "end"]];
    const events = [...output(10, 100), ...large];
    assert.deepEqual(await new Server(events).read(), events);
    assert.deepEqual(await new Server(events, [0], 2 * PIECE).read(), events);
});

test("a recording that ends exactly where a piece does has an end", async () => {
    const head = JSON.stringify({ columns: 80, rows: 24, from: 0, snapshot: "" }).length + 1;
    const event = (size: number): RecordedEvent => [1, "o", "x".repeat(size)];
    const exact = event(PIECE - head - JSON.stringify(event(0)).length - 1);
    assert.deepEqual(await new Server([exact]).read(), [exact]);
    assert.deepEqual(await new Server([]).read(), []);
});

test("where no kept screen is in reach the player says so instead of ending", async () => {
    const events = output(LARGEST_PIECE / 100_000 + 20, 100_000);
    let message = "";
    await new Server(events).read().catch((problem: Error) => (message = problem.message));
    assert.ok(message.includes("too large"), message);
});

/** A playback on a clock of the test's own: each frame is a tenth of a second. */
class Stage {
    shown = "";
    now = 0;
    fails = false;
    private frames: ((now: number) => void)[] = [];
    readonly playback: Playback;

    constructor(readonly server: Server, duration: number) {
        const screen = {
            restore: (_columns: number, _rows: number, _bytes: Uint8Array, done: () => void) => {
                this.shown = "";
                done();
            },
            resize: () => undefined,
            terminal: { write: (data: string) => void (this.shown += data) },
        };
        Object.assign(globalThis, {
            requestAnimationFrame: (frame: (now: number) => void) => this.frames.push(frame),
            cancelAnimationFrame: () => (this.frames = []),
            localStorage: { getItem: () => null },
            performance: { now: () => this.now },
            fetch: (path: string) => {
                if (this.fails) return Promise.reject(new TypeError("network"));
                const query = new URL(path, "http://page").searchParams;
                return Promise.resolve(
                    new Response(server.answer(Number(query.get("from")), Number(query.get("limit")))),
                );
            },
        });
        this.playback = new Playback("r1", screen, duration, 80, 24);
    }

    async until(question: (state: PlaybackState) => boolean) {
        for (let turn = 0; turn < 20_000 && !question(this.playback.state); turn++) {
            await new Promise((resolve) => setTimeout(resolve));
            this.now += 100;
            for (const frame of this.frames.splice(0)) frame(this.now);
        }
        assert.ok(question(this.playback.state), JSON.stringify(this.playback.state));
    }
}

const long = output(4_000, 1_000);
const wholeText = long.map(([, , data]) => data).join("");

for (const skipsIdle of [true, false]) {
    test(`play goes on to the end through all pieces, idle time ${skipsIdle ? "skipped" : "waited for"}`, async () => {
        const stage = new Stage(new Server(long, screensEach(long, 250)), 50);
        stage.playback.setSkipsIdle(skipsIdle);
        stage.playback.setSpeed(16);
        void stage.playback.seek(0, true);
        await stage.until(({ phase }) => phase === "ended");
        assert.equal(stage.shown, wholeText);
        assert.equal(stage.playback.state.position, 50);
    });
}

test("a seek to a later piece shows that moment, and plays on from there", async () => {
    const stage = new Stage(new Server(long, screensEach(long, 250)), 50);
    void stage.playback.seek(0, true);
    await stage.until(({ phase }) => phase === "playing");
    void stage.playback.seek(30);
    // A second seek before the first has arrived, as from a dragged handle.
    void stage.playback.seek(35);
    await stage.until(({ phase }) => phase === "playing");
    assert.ok(stage.shown.includes("3399.") && !stage.shown.includes("3500."));
    stage.playback.setSpeed(16);
    await stage.until(({ phase }) => phase === "ended");
    assert.ok(stage.shown.includes("3999."));
});

test("a piece that does not come is told after what came was played, and can be tried again", async () => {
    const stage = new Stage(new Server(long, screensEach(long, 250)), 50);
    stage.playback.setSpeed(16);
    void stage.playback.seek(0, true);
    await stage.until(({ phase }) => phase === "playing");
    stage.fails = true;
    await stage.until(({ phase }) => phase === "failed");
    const { position, error } = stage.playback.state;
    assert.ok(position > 1 && position < 41 && error !== null);
    stage.fails = false;
    stage.playback.retry();
    await stage.until(({ phase }) => phase === "ended");
    assert.ok(stage.shown.endsWith(wholeText.slice(-10_000)));
    assert.equal(stage.playback.state.error, null);
});

test("a recording still being made is as long as what came of it", async () => {
    const stage = new Stage(new Server(long, screensEach(long, 250)), 0);
    stage.playback.setSpeed(16);
    void stage.playback.seek(0, true);
    await stage.until(({ phase }) => phase === "ended");
    assert.equal(stage.shown, wholeText);
    assert.equal(stage.playback.state.duration, long[long.length - 1]?.[0]);
});
