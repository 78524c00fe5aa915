// Feeds streams to xterm.js and prints what its buffers hold.
//     node xterm-grid.js path/to/xterm.js path/to/widths.ts < cases.json > screens.json
// A case is {columns, rows, scrollback, events} with the events of a recorded stream; each mark gives a screen.
"use strict";
const fs = require("fs");
globalThis.self = globalThis;
globalThis.window = globalThis;
globalThis.document = { createElement: () => ({ style: {}, getContext: () => null }), documentElement: { style: {} } };
if (!globalThis.navigator) globalThis.navigator = { userAgent: "node", platform: "Linux" };
const { Terminal } = require(require("path").resolve(process.argv[2]));

// The page's own width table; what TypeScript adds to JavaScript in it is taken out.
const widths = fs.readFileSync(process.argv[3], "utf8").replace(/: (readonly number\[\]|number|boolean|0 \| 1 \| 2)(?=[,)= {])/g, "");
const table = new Function(widths.replace(/export /g, "") + "; return { codePointWidth, characterProperties };")();

function color(cell, part) {
  if (cell[`is${part}Default`]()) return "-";
  const value = cell[`get${part}Color`]();
  return cell[`is${part}RGB`]() ? "#" + value.toString(16).padStart(6, "0") : String(value);
}

function cellText(cell) {
  const text = cell.getChars();
  if (text === "") return cell.getWidth() === 0 ? "" : `\u00b7 ${color(cell, "Bg")}`;
  const flags = ["Bold", "Dim", "Italic", "Blink", "Inverse", "Invisible", "Strikethrough", "Overline"].filter((name) => cell[`is${name}`]());
  // xterm.js says "underlined" of every link; the style itself is in these bits.
  const underline = cell.hasExtendedAttrs() ? (cell.extended._ext & 0x1c000000) >> 26 : 0;
  if (underline) flags.push(`Underline${underline}`);
  if (cell.hasExtendedAttrs() && cell.extended.urlId) flags.push("Link");
  return `${text} ${cell.getWidth()} ${color(cell, "Fg")} ${color(cell, "Bg")} ${flags.join("+")}`;
}

function lineText(line, columns) {
  const cells = [];
  for (let x = 0; x < columns; x++) {
    const cell = line.getCell(x);
    // A cut through a wide character leaves its first half here, which no terminal can show.
    const isCut = cell && x === columns - 1 && cell.getWidth() === 2;
    cells.push(isCut ? `\u00b7 ${color(cell, "Bg")}` : cell ? cellText(cell) : "\u00b7 -");
  }
  while (cells.length && cells[cells.length - 1] === "\u00b7 -") cells.pop();
  return cells;
}

function bufferLines(buffer, columns) {
  const lines = [];
  for (let y = 0; y < buffer.length; y++) {
    const line = buffer.getLine(y);
    lines.push({ cells: lineText(line, columns), isWrapped: y > 0 && line.isWrapped });
  }
  return lines;
}

function screen(terminal) {
  const core = terminal._core;
  const active = core.buffers.active;
  return {
    lines: bufferLines(terminal.buffer.active, terminal.cols),
    primary: bufferLines(terminal.buffer.normal, terminal.cols),
    isAlternate: terminal.buffer.active.type === "alternate",
    row: active.y,
    // Without autowrap xterm.js leaves the cursor behind the last column, which has no effect.
    column: terminal.modes.wraparoundMode ? active.x : Math.min(active.x, terminal.cols - 1),
    top: active.scrollTop,
    bottom: active.scrollBottom,
    tabs: Object.keys(active.tabs).filter((x) => active.tabs[x]).map(Number).filter((x) => x > 0 && x < terminal.cols),
    modes: terminal.modes,
    isCursorHidden: core.coreService.isCursorHidden,
    titles: terminal.titles,
  };
}

async function run(test) {
  const terminal = new Terminal({ cols: test.columns, rows: test.rows, scrollback: test.scrollback, allowProposedApi: true });
  terminal.unicode.register({ version: "cells", wcwidth: table.codePointWidth, charProperties: table.characterProperties });
  terminal.unicode.activeVersion = "cells";
  terminal.titles = "";
  terminal.onTitleChange((title) => { terminal.titles = title; });
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const screens = [];
  for (const event of test.events) {
    if (event[0] === "o") {
      const text = decoder.decode(Buffer.from(event[1], "base64"), { stream: true });
      await new Promise((done) => terminal.write(text, done));
    } else if (event[0] === "r") {
      terminal.resize(event[1], event[2]);
    } else {
      screens.push(screen(terminal));
    }
  }
  terminal.dispose();
  return screens;
}

(async () => {
  const results = [];
  for (const test of JSON.parse(fs.readFileSync(0, "utf8"))) results.push(await run(test));
  process.stdout.write(JSON.stringify(results));
})();
