import type { IBufferCell, ITheme, Terminal } from "@xterm/xterm";

/** One run of cells that look alike. */
export interface Run {
    text: string;
    style: string;
}

const names = [
    "black",
    "red",
    "green",
    "yellow",
    "blue",
    "magenta",
    "cyan",
    "white",
    "brightBlack",
    "brightRed",
    "brightGreen",
    "brightYellow",
    "brightBlue",
    "brightMagenta",
    "brightCyan",
    "brightWhite",
];

/** A colour of the 256: the theme's sixteen, the 6×6×6 cube, the greys. */
export function paletteColour(index: number, theme: ITheme): string {
    const name = names[index];
    if (name !== undefined) return theme[name] ?? "inherit";
    if (index >= 232) return hex((index - 232) * 10 + 8, (index - 232) * 10 + 8, (index - 232) * 10 + 8);
    const level = (step: number) => (step === 0 ? 0 : 55 + step * 40);
    const cube = index - 16;
    return hex(level(Math.floor(cube / 36)), level(Math.floor(cube / 6) % 6), level(cube % 6));
}

const hex = (...parts: number[]) => `#${parts.map((part) => part.toString(16).padStart(2, "0")).join("")}`;

export const escapeHtml = (text: string) =>
    text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");

function colour(cell: IBufferCell, side: "fg" | "bg", theme: ITheme): string | null {
    const [isDefault, isRGB, value] = side === "fg"
        ? [cell.isFgDefault(), cell.isFgRGB(), cell.getFgColor()]
        : [cell.isBgDefault(), cell.isBgRGB(), cell.getBgColor()];
    if (isDefault) return null;
    if (isRGB) return hex((value >> 16) & 0xff, (value >> 8) & 0xff, value & 0xff);
    return paletteColour(side === "fg" && cell.isBold() && value < 8 ? value + 8 : value, theme);
}

function styleOf(cell: IBufferCell, theme: ITheme): string {
    let [ink, ground] = [colour(cell, "fg", theme), colour(cell, "bg", theme)];
    if (cell.isInverse()) [ink, ground] = [ground ?? theme.background ?? null, ink ?? theme.foreground ?? null];
    const lines = [cell.isUnderline() && "underline", cell.isStrikethrough() && "line-through"].filter(Boolean);
    return [
        ink && `color:${ink}`,
        ground && `background:${ground}`,
        cell.isBold() && "font-weight:bold",
        cell.isItalic() && "font-style:italic",
        cell.isDim() && "opacity:.7",
        cell.isInvisible() && "visibility:hidden",
        lines.length > 0 && `text-decoration:${lines.join(" ")}`,
    ].filter(Boolean).join(";");
}

/** The rows from `first` up to `end` as runs; wrapped rows go on in the same line. */
function linesOf(terminal: Terminal, first: number, end: number, from: number, to: number, theme: ITheme): Run[][] {
    const buffer = terminal.buffer.active;
    const lines: Run[][] = [];
    for (let row = first; row < end; row++) {
        const line = buffer.getLine(row);
        if (!line) continue;
        const runs: Run[] = line.isWrapped && row > first ? lines[lines.length - 1] ?? [] : [];
        if (!line.isWrapped || row === first) lines.push(runs);
        const last = row === end - 1 ? to : terminal.cols;
        for (let column = row === first ? from : 0; column < last; column++) {
            const cell = line.getCell(column);
            // The second half of a wide character has no text of its own.
            if (!cell || cell.getWidth() === 0) continue;
            const style = styleOf(cell, theme);
            const before = runs[runs.length - 1];
            if (before?.style === style) before.text += cell.getChars() || " ";
            else runs.push({ text: cell.getChars() || " ", style });
        }
    }
    return lines;
}

/** A `<pre>` of its own colours, so that it looks in a mail as in the terminal. Every text is escaped. */
export function html(lines: Run[][], theme: ITheme): string {
    const body = lines.map((runs) => {
        const last = runs[runs.length - 1];
        if (last && last.style === "") last.text = last.text.trimEnd();
        return runs.map(({ text, style }) =>
            style ? `<span style="${escapeHtml(style)}">${escapeHtml(text)}</span>` : escapeHtml(text)
        ).join("");
    }).join("\n");
    const style = `background:${theme.background};color:${theme.foreground};font-family:monospace;padding:8px`;
    return `<pre style="${style}">${body}</pre>`;
}

/** Copies the selection, or the whole screen in view, as HTML and as text. False where the browser doesn't. */
export async function copyRich(terminal: Terminal): Promise<boolean> {
    const theme = terminal.options.theme ?? {};
    const chosen = terminal.getSelectionPosition();
    const top = terminal.buffer.active.viewportY;
    const lines = chosen
        ? linesOf(terminal, chosen.start.y, chosen.end.y + 1, chosen.start.x, chosen.end.x, theme)
        : linesOf(terminal, top, top + terminal.rows, 0, terminal.cols, theme);
    const text = lines.map((runs) => runs.map((run) => run.text).join("").trimEnd()).join("\n");
    try {
        await navigator.clipboard.write([
            new ClipboardItem({
                "text/html": new Blob([html(lines, theme)], { type: "text/html" }),
                "text/plain": new Blob([text.replace(/\n+$/, "\n")], { type: "text/plain" }),
            }),
        ]);
        return true;
    } catch {
        return false;
    }
}
