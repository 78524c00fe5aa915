// Feeds streams to xterm.js and prints what its buffers hold.
//     node xterm-grid.js path/to/xterm.js path/to/widths.ts < cases.json > screens.json
// A case is {columns, rows, scrollback, events} with the events of a recorded stream; each mark gives a screen.
// In a browser (xterm-chromium.py) it leaves `screensOf(cases, textOfWidths)` behind, and `Terminal` is there already.
"use strict";
const isBrowser = typeof process === "undefined";
if (!isBrowser) {
  globalThis.self = globalThis;
  globalThis.window = globalThis;
  globalThis.document = { createElement: () => ({ style: {}, getContext: () => null }), documentElement: { style: {} } };
  if (!globalThis.navigator) globalThis.navigator = { userAgent: "node", platform: "Linux" };
  globalThis.Terminal = require(require("path").resolve(process.argv[2])).Terminal;
}

// The page's own width table; what TypeScript adds to JavaScript in it is taken out.
function widthTable(source) {
  const widths = source.replace(/: (readonly number\[\]|number|boolean|0 \| 1 \| 2)(?=[,)= {])/g, "");
  return new Function(widths.replace(/export /g, "") + "; return { codePointWidth, characterProperties };")();
}

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

async function run(test, table) {
  const terminal = new globalThis.Terminal({ cols: test.columns, rows: test.rows, scrollback: test.scrollback, allowProposedApi: true });
  terminal.unicode.register({ version: "cells", wcwidth: table.codePointWidth, charProperties: table.characterProperties });
  terminal.unicode.activeVersion = "cells";
  terminal.titles = "";
  terminal.onTitleChange((title) => { terminal.titles = title; });
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const screens = [];
  for (const event of test.events) {
    if (event[0] === "o") {
      const text = decoder.decode(Uint8Array.from(atob(event[1]), (byte) => byte.charCodeAt(0)), { stream: true });
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

globalThis.screensOf = async (cases, widths) => {
  const results = [];
  for (const test of cases) results.push(await run(test, widthTable(widths)));
  return results;
};

if (!isBrowser) {
  const fs = require("fs");
  globalThis.screensOf(JSON.parse(fs.readFileSync(0, "utf8")), fs.readFileSync(process.argv[3], "utf8"))
    .then((screens) => process.stdout.write(JSON.stringify(screens)));
}
