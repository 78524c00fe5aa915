import type { IBufferLine, IDecoration, IMarker, Terminal } from "@xterm/xterm";

/** A stretch of cells: where it begins, and how many cells it takes, beyond the end of a row where its line is wrapped. */
export interface Match {
    row: number;
    column: number;
    length: number;
}

export interface SearchWishes {
    isCased: boolean;
    isPattern: boolean;
}

export interface Found {
    /** Of the match that is chosen; -1 for none. */
    index: number;
    count: number;
    /** There are more than are counted. */
    isCut: boolean;
}

export const MOST_MATCHES = 2_000;
/** Marks cost time at each drawing; those that are far from the chosen one are not drawn. */
const MOST_MARKED = 200;

/** The part of a terminal's buffer that is searched. */
export interface Rows {
    readonly length: number;
    readonly columns: number;
    getLine(row: number): Pick<IBufferLine, "isWrapped" | "translateToString" | "getCell"> | undefined;
}

/** The expression that finds it, or null when the text is no expression. */
export function expression(text: string, { isCased, isPattern }: SearchWishes): RegExp | null {
    const source = isPattern ? text : text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    try {
        return new RegExp(source, isCased ? "gu" : "giu");
    } catch {
        return null;
    }
}

/** Every place where it stands, oldest first. Rows that a line was wrapped over are one line. */
export function matches(rows: Rows, wanted: RegExp): { found: Match[]; isCut: boolean } {
    const found: Match[] = [];
    for (let row = 0; row < rows.length; row++) {
        const first = row;
        const parts = [textOf(rows, row)];
        while (rows.getLine(row + 1)?.isWrapped) parts.push(textOf(rows, ++row));
        const text = parts.join("").trimEnd();
        wanted.lastIndex = 0;
        for (let hit = wanted.exec(text); hit; hit = wanted.exec(text)) {
            const { length } = hit[0] ?? "";
            // An expression may match nothing at all; it still has to get on.
            if (length === 0) wanted.lastIndex += 1;
            else found.push(place(rows, first, parts, hit.index, length));
            if (found.length > MOST_MATCHES) return { found: found.slice(0, MOST_MATCHES), isCut: true };
        }
    }
    return { found, isCut: false };
}

/** Not trimmed: what follows in the next row begins where this one ends. */
const textOf = (rows: Rows, row: number) => rows.getLine(row)?.translateToString(false) ?? "";

function place(rows: Rows, first: number, parts: string[], start: number, length: number): Match {
    const from = cellAt(rows, first, parts, start);
    const to = cellAt(rows, first, parts, start + length);
    return { ...from, length: Math.max(1, (to.row - from.row) * rows.columns + to.column - from.column) };
}

/** The cell in which a character of the line stands: wide ones take two, joined ones are several characters in one. */
function cellAt(rows: Rows, first: number, parts: string[], index: number): { row: number; column: number } {
    let rest = index;
    let row = 0;
    while (row < parts.length - 1 && rest >= (parts[row]?.length ?? 0)) rest -= parts[row++]?.length ?? 0;
    const line = rows.getLine(first + row);
    let column = 0;
    while (rest > 0 && column < rows.columns) {
        const cell = line?.getCell(column);
        const width = cell?.getWidth() ?? 1;
        rest -= width === 0 ? 0 : Math.max(1, cell?.getChars().length ?? 1);
        column += Math.max(1, width);
    }
    return { row: first + row, column };
}

export interface MarkColours {
    mark: string;
    ruler: string;
}

/** Finds in a terminal's screen and scrollback, chooses one match after the other and marks the others. */
export class ScrollbackSearch {
    private marked: (IDecoration | IMarker)[] = [];
    private chosen: Match | null = null;

    constructor(private readonly terminal: Terminal) {}

    /**
     * @param step from the chosen match: -1 to the one before, 1 to the one after, 0 stays where it still fits
     * @returns null when the text is not an expression
     */
    find(text: string, wishes: SearchWishes, step: -1 | 0 | 1, colours: MarkColours): Found | null {
        this.clearMarks();
        const wanted = expression(text, wishes);
        if (!wanted) return null;
        const buffer = this.terminal.buffer.active;
        const rows: Rows = {
            length: buffer.length,
            columns: this.terminal.cols,
            getLine: (row) => buffer.getLine(row),
        };
        const { found, isCut } = matches(rows, wanted);
        const index = this.next(found, step);
        const match = found[index];
        this.chosen = match ?? null;
        if (!match) {
            this.terminal.clearSelection();
            return { index: -1, count: 0, isCut: false };
        }
        this.terminal.select(match.column, match.row, match.length);
        const { viewportY } = buffer;
        if (match.row < viewportY || match.row >= viewportY + this.terminal.rows) {
            this.terminal.scrollToLine(Math.max(0, match.row - Math.floor(this.terminal.rows / 2)));
        }
        this.mark(found, index, colours);
        return { index, count: found.length, isCut };
    }

    /** The newest, or the one next to what was chosen before; round and round. */
    private next(found: Match[], step: -1 | 0 | 1): number {
        const { chosen } = this;
        if (!chosen || found.length === 0) return found.length - 1;
        const order = (match: Match) => match.row * 10_000 + match.column;
        const at = order(chosen);
        if (step > 0) {
            const after = found.findIndex((match) => order(match) > at);
            return after < 0 ? 0 : after;
        }
        let before = found.length - 1;
        while (before >= 0 && order(found[before] as Match) > at - (step === 0 ? 0 : 1)) before -= 1;
        return before < 0 ? found.length - 1 : before;
    }

    private mark(found: Match[], chosen: number, { mark, ruler }: MarkColours) {
        const { baseY, cursorY } = this.terminal.buffer.active;
        const first = Math.max(0, Math.min(found.length - MOST_MARKED, chosen - MOST_MARKED / 2));
        for (const [offset, match] of found.slice(first, first + MOST_MARKED).entries()) {
            if (first + offset === chosen) continue;
            const marker = this.terminal.registerMarker(match.row - baseY - cursorY);
            if (!marker) continue;
            this.marked.push(marker);
            const decoration = this.terminal.registerDecoration({
                marker,
                x: match.column,
                width: Math.min(match.length, this.terminal.cols - match.column),
                backgroundColor: mark,
                overviewRulerOptions: { color: ruler },
            });
            if (decoration) this.marked.push(decoration);
        }
    }

    private clearMarks() {
        for (const one of this.marked) one.dispose();
        this.marked = [];
    }

    clear() {
        this.clearMarks();
        this.chosen = null;
        this.terminal.clearSelection();
    }
}
