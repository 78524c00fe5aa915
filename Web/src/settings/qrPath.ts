/** A QR code's dark modules as the path of an SVG: one stretch for each run in a row, a module being one unit. */
export function qrPath(rows: readonly string[]): string {
    const runs = (row: string, y: number) =>
        [...row.matchAll(/1+/g)].map((run) => {
            const length = String(run).length;
            return `M${run.index ?? 0} ${y}h${length}v1h-${length}z`;
        });
    return rows.flatMap(runs).join("");
}
