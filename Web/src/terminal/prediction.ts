// Typed letters that are shown before the host has echoed them, on links where that takes long. Nothing is shown that
// the host would not show: only where it was just seen echoing, in this very line, so that what is typed at a password
// prompt never appears. Predictions are drawn over the terminal and never written into it.

/** The screen as a predictor looks at it. Rows count from the top of the scrollback. */
export interface EchoScreen {
    readonly columns: number;
    readonly cursor: { x: number; y: number };
    readonly isAlternate: boolean;
    /** What stands in a cell; empty for nothing. */
    cell(x: number, y: number): string;
}

export interface PredictedCell {
    x: number;
    y: number;
    text: string;
}

/** Milliseconds of round trip from which on predictions help, and below which they no longer do (hysteresis as in mosh). */
export const HELPFUL_FROM = 60;
export const HELPFUL_UNTIL = 40;
/** So many letters of a line must have come back as predicted before the next ones are shown. */
const PROOF = 2;
const LATE_FACTOR = 2;
const LATE_AFTER = 400;
const BLANK = " ";

interface Prediction extends PredictedCell {
    /** Where the cursor is after it. */
    after: number;
    at: number;
}

export class EchoPredictor {
    private pending: Prediction[] = [];
    /** Letters of this line that the host has echoed as predicted. */
    private proven = 0;
    /** After Enter, and after a prediction that was wrong, nothing is guessed until the host has said something. */
    private isWaiting = true;
    private isHelpful = false;
    private latency = 0;
    private cursor: { x: number; y: number } | null = null;

    /** Milliseconds, or null without a link. */
    setLatency(latency: number | null) {
        this.latency = latency ?? 0;
        if (latency === null || latency < HELPFUL_UNTIL) this.isHelpful = false;
        else if (latency >= HELPFUL_FROM) this.isHelpful = true;
    }

    /** What was just sent to the host. */
    typed(text: string, screen: EchoScreen, now: number) {
        if (screen.isAlternate) return this.doubt();
        for (const character of text) {
            if (character === "\x7f") this.erase(screen, now);
            else if (character >= " " && character <= "~") this.insert(character, screen, now);
            else return this.doubt();
        }
    }

    private insert(text: string, screen: EchoScreen, now: number) {
        if (this.isWaiting) return;
        const { x, y } = this.end(screen);
        // At the edge the terminal wraps, and in the middle of a line the shell moves what is behind: both are its business.
        if (x >= screen.columns - 1 || this.hasTextFrom(x, y, screen)) return this.doubt();
        this.pending.push({ x, y, text, after: x + 1, at: now });
    }

    private erase(screen: EchoScreen, now: number) {
        if (this.isWaiting) return;
        const { x, y } = this.end(screen);
        // Only what was typed since the line is trusted: before it stands the prompt.
        if (this.proven + this.pending.length === 0 || x === 0 || this.hasTextFrom(x, y, screen)) return this.doubt();
        this.pending.push({ x: x - 1, y, text: BLANK, after: x - 1, at: now });
    }

    /** Where the next letter would go. */
    private end(screen: EchoScreen): { x: number; y: number } {
        const last = this.pending[this.pending.length - 1];
        return last ? { x: last.after, y: last.y } : screen.cursor;
    }

    private hasTextFrom(x: number, y: number, screen: EchoScreen): boolean {
        const erased = new Set(this.pending.filter(({ text }) => text === BLANK).map((one) => one.x));
        for (let column = x; column < screen.columns; column++) {
            if (!erased.has(column) && screen.cell(column, y).trim() !== "" && !this.covers(column)) return true;
        }
        return false;
    }

    private readonly covers = (x: number) => this.pending.some((one) => one.x === x);

    /** Output has come, or time has passed: what was right is done, and what was wrong ends the trust in this line. */
    rendered(screen: EchoScreen, now: number) {
        const before = this.cursor;
        this.cursor = { ...screen.cursor };
        const hasMoved = before === null || before.x !== screen.cursor.x || before.y !== screen.cursor.y;
        if (screen.isAlternate) return this.doubt();
        if (this.pending.length === 0) {
            if (hasMoved) this.begin();
            return;
        }
        if (screen.cursor.y !== this.pending[0]?.y) return this.begin();
        if (this.isFulfilled(screen)) {
            this.proven += this.pending.length;
            this.pending = [];
            return;
        }
        while (this.isConfirmed(this.pending[0], screen)) {
            this.pending.shift();
            this.proven += 1;
        }
        const oldest = this.pending[0];
        if (oldest && now - oldest.at > this.latency * LATE_FACTOR + LATE_AFTER) this.doubt();
    }

    private isFulfilled(screen: EchoScreen): boolean {
        const last = this.pending[this.pending.length - 1];
        if (screen.cursor.x !== last?.after) return false;
        return this.cells.every(({ x, y, text }) => (screen.cell(x, y) || BLANK) === text);
    }

    private isConfirmed(one: Prediction | undefined, screen: EchoScreen): boolean {
        return one !== undefined && one.text !== BLANK && screen.cursor.x > one.x && screen.cell(one.x, one.y) === one.text;
    }

    /** A new line of the host's: what it does with letters is not known yet. */
    private begin() {
        this.pending = [];
        this.proven = 0;
        this.isWaiting = false;
    }

    /** Nothing is guessed until the host has spoken again. */
    doubt() {
        this.pending = [];
        this.proven = 0;
        this.isWaiting = true;
    }

    /** When what is pending has to be looked at again although nothing came; null for never. */
    get deadline(): number | null {
        const oldest = this.pending[0];
        return oldest ? oldest.at + this.latency * LATE_FACTOR + LATE_AFTER + 1 : null;
    }

    /** Each cell once, as the last prediction has it. */
    private get cells(): PredictedCell[] {
        const cells = new Map<number, PredictedCell>();
        for (const { x, y, text } of this.pending) cells.set(x, { x, y, text });
        return [...cells.values()];
    }

    /** What is drawn now, and where the cursor will be; nothing while the host has not proven that it echoes. */
    get shown(): { cells: PredictedCell[]; cursor: { x: number; y: number } } | null {
        const last = this.pending[this.pending.length - 1];
        if (!last || !this.isHelpful || this.proven < PROOF) return null;
        return { cells: this.cells, cursor: { x: last.after, y: last.y } };
    }
}
