import Crypto
import Foundation

/// What stands around the data of an exported page: the page itself, its style and its player.
///
/// The page's own policy lets nothing in but these two texts, named by their hashes: no other script, no request, no
/// picture, whatever the data holds. The data is JSON in a block that no browser runs.
enum HTMLPage {
    private static func hash(_ text: String) -> String {
        "'sha256-" + Data(SHA256.hash(data: Data(text.utf8))).base64EncodedString() + "'"
    }

    static var policy: String {
        "default-src 'none'; script-src \(hash(script)); style-src \(hash(style)); base-uri 'none'; form-action 'none'"
    }

    /// Everything up to the data.
    static func start(title: String, note: String) -> String {
        """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta http-equiv="Content-Security-Policy" content="\(policy)">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="referrer" content="no-referrer">
        <title>\(escaped(title))</title>
        <style>\(style)</style>
        </head>
        <body>
        <header><h1>\(escaped(title))</h1><p>\(escaped(note))</p></header>
        <main>
        <div id="stage"><div id="screen" role="img" aria-label="Terminal"></div></div>
        <div id="controls">
        <button id="play" aria-label="Play">Play</button>
        <input id="seek" type="range" min="0" max="1" step="0.01" value="0" aria-label="Position">
        <output id="time"></output>
        <label>Speed <select id="speed"><option>0.5</option><option selected>1</option><option>2</option><option>4\
        </option><option>8</option><option>16</option></select></label>
        <label><input id="idle" type="checkbox" checked> Skip idle</label>
        <button id="full">Full screen</button>
        </div>
        <form id="find"><input id="query" type="search" maxlength="200" placeholder="Search in the output" \
        aria-label="Search in the output"><button>Find</button><output id="found"></output></form>
        <ol id="results" aria-label="Found"></ol>
        <h2>Markers</h2>
        <ol id="markers"></ol>
        <p id="keys">Space plays, arrows go 5 s (with Shift 10 %), [ and ] go to markers, 0–9 to a tenth, &lt; and &gt; \
        change the speed, / searches, f is full screen.</p>
        </main>
        <script id="data" type="application/json">

        """
    }

    /// Everything after the data.
    static let end = "</script>\n<script>\(script)</script>\n</body>\n</html>\n"

    /// Text for an element or an attribute in double quotes.
    static func escaped(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&#39;"
            // Neither controls nor what turns the direction of the text around it.
            case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{202A}"..."\u{202E}", "\u{2066}"..."\u{2069}":
                escaped += " "
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    static let style = #"""

        :root { color-scheme: light dark; font: 15px/1.45 system-ui, sans-serif; }
        body { margin: 0 auto; max-width: 72rem; padding: 1rem; }
        h1 { font-size: 1.25rem; margin: 0; overflow-wrap: anywhere; }
        h2 { font-size: 1rem; margin: 1rem 0 .25rem; }
        #results:not(:empty) { border: 1px solid color-mix(in srgb, currentColor 22%, transparent); border-radius: 8px; }
        header p, #keys { color: GrayText; margin: .25rem 0 1rem; }
        #stage { background: #14161a; border-radius: 8px; overflow: auto; padding: 10px; }
        #screen { color: #e5e5e5; font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace;
            line-height: 1.25; width: max-content; }
        #screen div { height: 1.25em; white-space: pre; }
        #screen .wide { display: inline-block; overflow: hidden; vertical-align: top; height: 1.25em; }
        #screen .cursor { outline: 1px solid #9fc3ff; outline-offset: -1px; }
        #controls, #find { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem .75rem; margin: .75rem 0; }
        #seek { flex: 1 1 12rem; min-width: 8rem; height: 2.5rem; margin: 0; }
        #time { font-variant-numeric: tabular-nums; white-space: nowrap; }
        button, select, input[type=search] { font: inherit; min-height: 2.5rem; padding: 0 .75rem; }
        #query { flex: 1 1 12rem; }
        ol { list-style: none; margin: 0; padding: 0; max-height: 16rem; overflow: auto; }
        li button { width: 100%; text-align: left; background: none; border: 0; color: inherit; cursor: pointer; overflow-wrap: anywhere; }
        li button:hover, li button:focus-visible { background: color-mix(in srgb, currentColor 12%, transparent); }
        li b { font-weight: 600; font-variant-numeric: tabular-nums; margin-right: .75rem; }
        #stage:fullscreen { display: grid; place-content: center; border-radius: 0; }
        @media print { #controls, #find, #keys { display: none; } }

        """#

    static let script = #"""

        "use strict";
        (() => {
        const at = (id) => document.getElementById(id);
        const lines = at("data").textContent.split("\n").filter((line) => line !== "");
        const head = JSON.parse(lines[0]);
        const frames = [];
        const markers = [];
        let duration = 0;
        for (let index = 1; index < lines.length; index += 1) {
            const value = JSON.parse(lines[index]);
            duration = Math.max(duration, value.t);
            if (value.m !== undefined) markers.push(value);
            else if (value.e === undefined) frames.push(value);
        }
        const EMPTY = [];
        const EVERY = 256;
        const kept = [];
        let state = { columns: head.columns, rows: new Array(head.rows).fill(EMPTY), cursor: null };
        const copy = (from) => ({ columns: from.columns, rows: from.rows.slice(), cursor: from.cursor });
        function apply(frame) {
            if (frame.s) {
                state.columns = frame.s[0];
                while (state.rows.length < frame.s[1]) state.rows.push(EMPTY);
                state.rows.length = frame.s[1];
            }
            for (let count = 0; count < (frame.u || 0); count += 1) {
                state.rows.shift();
                state.rows.push(EMPTY);
            }
            for (const [row, runs] of frame.r || []) if (row < state.rows.length) state.rows[row] = runs;
            if (frame.c !== undefined) state.cursor = frame.c;
        }
        frames.forEach((frame, index) => {
            if (index % EVERY === 0) kept.push(copy(state));
            apply(frame);
        });
        let shown = frames.length;
        function indexAt(time) {
            let low = 0;
            let high = frames.length;
            while (low < high) {
                const middle = (low + high) >> 1;
                if (frames[middle].t <= time) low = middle + 1;
                else high = middle;
            }
            return low;
        }
        function reach(index) {
            if (index < shown || index - shown > EVERY) {
                const from = Math.min(Math.floor(index / EVERY), kept.length - 1);
                state = copy(kept[Math.max(0, from)] || state);
                shown = Math.max(0, from) * EVERY;
            }
            while (shown < index) apply(frames[shown++]);
            draw();
        }

        const NAMED = ["#000000", "#cd3131", "#0dbc79", "#e5e510", "#4c8fef", "#c75fd0", "#11a8cd", "#e5e5e5",
            "#7f7f7f", "#f14c4c", "#23d18b", "#f5f543", "#6ea8ff", "#d670d6", "#29b8db", "#ffffff"];
        function colour(value, standard) {
            if (typeof value === "string") return value;
            if (typeof value !== "number") return standard;
            if (value < 16) return NAMED[value];
            if (value > 231) return "rgb(" + [0, 0, 0].fill(8 + 10 * (value - 232)).join(",") + ")";
            const step = (part) => (part === 0 ? 0 : 55 + 40 * part);
            const cube = value - 16;
            return `rgb(${step(Math.floor(cube / 36))},${step(Math.floor(cube / 6) % 6)},${step(cube % 6)})`;
        }
        const screen = at("screen");
        const drawn = [];
        function span(run) {
            const [text, look, foreground, background, columns] = typeof run === "string" ? [run] : run;
            const element = document.createElement("span");
            element.textContent = text;
            const { style } = element;
            let front = colour(foreground, null);
            let back = colour(background, null);
            if (look & 32) [front, back] = [back || "#14161a", front || "#e5e5e5"];
            if (front) style.color = front;
            if (back) style.backgroundColor = back;
            if (look & 1) style.fontWeight = "700";
            if (look & 2) style.opacity = "0.6";
            if (look & 4) style.fontStyle = "italic";
            if (look & 24) style.textDecoration = (look & 8 ? "underline " : "") + (look & 16 ? "line-through" : "");
            if (look & 64) style.visibility = "hidden";
            if (columns) {
                element.className = "wide";
                style.width = columns + "ch";
            }
            return element;
        }
        function draw() {
            while (screen.children.length > state.rows.length) screen.lastChild.remove();
            while (screen.children.length < state.rows.length) screen.append(document.createElement("div"));
            drawn.length = state.rows.length;
            state.rows.forEach((runs, row) => {
                if (drawn[row] === runs) return;
                drawn[row] = runs;
                screen.children[row].replaceChildren(...runs.map(span));
            });
            fit();
        }
        let fitted = "";
        function fit() {
            const full = document.fullscreenElement !== null;
            const width = at("stage").clientWidth - 20;
            const height = full ? at("stage").clientHeight - 20 : Infinity;
            const size = Math.max(6, Math.min(full ? 40 : 16, width / (state.columns * 0.605), height / (state.rows.length * 1.26)));
            if (fitted === size + "x" + state.columns) return;
            fitted = size + "x" + state.columns;
            screen.style.fontSize = size + "px";
            screen.style.minWidth = state.columns + "ch";
        }

        let position = 0;
        let playing = false;
        let before = 0;
        const clock = (seconds) => {
            const whole = Math.floor(seconds);
            const pad = (number) => String(number).padStart(2, "0");
            const hours = Math.floor(whole / 3600);
            return (hours ? hours + ":" + pad(Math.floor(whole / 60) % 60) : Math.floor(whole / 60)) + ":" + pad(whole % 60);
        };
        function tell() {
            at("seek").value = String(position);
            at("time").textContent = clock(position) + " / " + clock(duration);
            at("play").textContent = playing ? "Pause" : "Play";
            at("play").setAttribute("aria-label", playing ? "Pause" : "Play");
        }
        function seek(to) {
            position = Math.max(0, Math.min(duration, to));
            reach(indexAt(position));
            tell();
        }
        function toggle() {
            playing = !playing;
            if (playing && position >= duration) seek(0);
            before = performance.now();
            if (playing) requestAnimationFrame(advance);
            tell();
        }
        function advance(now) {
            if (!playing) return;
            position += Math.min(0.25, (now - before) / 1000) * Number(at("speed").value);
            before = now;
            const next = frames[indexAt(position)];
            const wait = (next ? next.t : duration) - position;
            if (at("idle").checked && wait > 2) position += wait - 0.4;
            if (position >= duration) playing = false;
            seek(position);
            if (playing) requestAnimationFrame(advance);
        }

        function entry(list, time, label) {
            const item = document.createElement("li");
            const button = document.createElement("button");
            const when = document.createElement("b");
            when.textContent = clock(time);
            button.append(when, label);
            button.addEventListener("click", () => seek(time));
            item.append(button);
            list.append(item);
        }
        const words = (runs) => runs.map((run) => (typeof run === "string" ? run : run[0])).join("");
        function find(query) {
            const wanted = query.toLowerCase();
            const hits = [];
            let previous = "";
            for (const frame of wanted === "" ? [] : frames) {
                // What passed between two pictures was never on the screen for longer than a blink, and is found here.
                const texts = (frame.l || []).concat((frame.r || []).map(([, runs]) => words(runs)));
                for (const text of texts) {
                    if (text === previous || !text.toLowerCase().includes(wanted)) continue;
                    previous = text;
                    hits.push([frame.t, text]);
                }
                if (hits.length >= 200) break;
            }
            at("results").replaceChildren();
            for (const [time, text] of hits) entry(at("results"), time, text.trim());
            at("found").textContent = query === "" ? "" : hits.length === 0 ? "Nothing found" : hits.length + " found";
            if (hits.length > 0) seek(hits[0][0]);
        }
        const marker = (back) => {
            const times = markers.map((value) => value.t);
            return back ? [...times].reverse().find((time) => time < position - 0.5) ?? 0
                : times.find((time) => time > position + 0.1) ?? duration;
        };
        function full() {
            if (document.fullscreenElement) void document.exitFullscreen();
            else void at("stage").requestFullscreen().catch(() => undefined);
        }
        function speed(by) {
            const list = at("speed");
            list.selectedIndex = Math.max(0, Math.min(list.options.length - 1, list.selectedIndex + by));
        }
        document.addEventListener("keydown", (event) => {
            if (event.ctrlKey || event.metaKey || event.altKey) return;
            const name = event.target.tagName;
            if (event.target.id === "query" || name === "SELECT" || (name === "BUTTON" && event.key === " ")) return;
            const step = event.shiftKey ? duration / 10 : 5;
            if (event.key === " ") toggle();
            else if (event.key === "ArrowLeft") seek(position - step);
            else if (event.key === "ArrowRight") seek(position + step);
            else if (event.key === "Home") seek(0);
            else if (event.key === "End") seek(duration);
            else if (event.key === "[") seek(marker(true));
            else if (event.key === "]") seek(marker(false));
            else if (event.key === "<") speed(-1);
            else if (event.key === ">") speed(1);
            else if (event.key === "f") full();
            else if (event.key === "/") at("query").focus();
            else if (/^[0-9]$/.test(event.key)) seek((duration * Number(event.key)) / 10);
            else return;
            event.preventDefault();
        });
        at("play").addEventListener("click", toggle);
        at("full").addEventListener("click", full);
        at("seek").max = String(duration);
        at("seek").addEventListener("input", () => seek(Number(at("seek").value)));
        at("find").addEventListener("submit", (event) => {
            event.preventDefault();
            find(at("query").value);
        });
        addEventListener("resize", fit);
        document.addEventListener("fullscreenchange", fit);
        for (const value of markers) entry(at("markers"), value.t, value.m);
        seek(0);
        })();

        """#
}
