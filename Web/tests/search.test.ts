import assert from "node:assert/strict";
import test from "node:test";
import { expression, matches, type Rows } from "../src/terminal/scrollbackSearch";

/** Rows of a terminal, each a text of exactly its width; a row that goes on begins with `>`. */
function screen(columns: number, ...texts: string[]): Rows {
    const lines = texts.map((text) => {
        const isWrapped = text.startsWith(">");
        const cells: { chars: string; width: number }[] = [];
        for (const character of isWrapped ? text.slice(1) : text) {
            const isWide = /[\u4e00-\u9fff]/.test(character);
            cells.push({ chars: character, width: isWide ? 2 : 1 });
            if (isWide) cells.push({ chars: "", width: 0 });
        }
        while (cells.length < columns) cells.push({ chars: "", width: 1 });
        return {
            isWrapped,
            translateToString: () =>
                cells.filter((cell) => cell.width > 0).map((cell) => cell.chars || " ").join(""),
            getCell: (x: number) => {
                const cell = cells[x];
                return cell && ({ getWidth: () => cell.width, getChars: () => cell.chars } as never);
            },
        };
    });
    return { length: lines.length, columns, getLine: (row) => lines[row] as never };
}

const find = (rows: Rows, text: string, isCased = false, isPattern = false) => {
    const wanted = expression(text, { isCased, isPattern });
    return wanted ? matches(rows, wanted).found : null;
};

test("a word is found in every line, whatever its case, or only as it is written", () => {
    const rows = screen(12, "Needle here", "no", "a needle");
    assert.deepEqual(find(rows, "needle"), [{ row: 0, column: 0, length: 6 }, { row: 2, column: 2, length: 6 }]);
    assert.deepEqual(find(rows, "needle", true), [{ row: 2, column: 2, length: 6 }]);
});

test("a line that was wrapped is one line, and each match in it counts", () => {
    const rows = screen(8, "echo nee", ">dle; ech", ">o needle");
    assert.deepEqual(find(rows, "needle"), [{ row: 0, column: 5, length: 6 }, { row: 2, column: 2, length: 6 }]);
});

test("wide characters take their two columns", () => {
    assert.deepEqual(find(screen(12, "中文 word"), "word"), [{ row: 0, column: 5, length: 4 }]);
    assert.deepEqual(find(screen(12, "a中文b"), "中文"), [{ row: 0, column: 1, length: 4 }]);
});

test("an expression begins and ends where the line does, and one that matches nothing gets on", () => {
    const rows = screen(10, "row-1", "a row-2");
    assert.deepEqual(find(rows, "^row-[0-9]$", false, true), [{ row: 0, column: 0, length: 5 }]);
    assert.deepEqual(find(rows, "x*", false, true), []);
    assert.equal(find(rows, "(", false, true), null);
    assert.deepEqual(find(rows, "("), []);
});
