export interface Marker {
    time: number;
    label: string;
    kind: string;
}

/** Seconds between two lines that still are one act of typing. */
const TOGETHER = 2;

/** One marker for lines typed without echo one right after the other, as in a paste; all others stay as they are. */
export function foldMarkers(markers: Marker[]): Marker[] {
    const folded: Marker[] = [];
    let open: { who: string; characters: number; lines: number; last: number } | null = null;
    for (const marker of markers) {
        const typed = marker.kind === "redacted" ? parseTyped(marker.label) : null;
        const previous = folded[folded.length - 1];
        if (open && previous && typed && typed.who === open.who && marker.time - open.last <= TOGETHER) {
            open = {
                who: open.who,
                characters: open.characters + typed.characters,
                lines: open.lines + typed.lines,
                last: marker.time,
            };
            folded[folded.length - 1] = { ...previous, label: words(open) };
            continue;
        }
        open = typed && { ...typed, last: marker.time };
        folded.push(open ? { ...marker, label: words(open) } : marker);
    }
    return folded;
}

function parseTyped(label: string): { who: string; characters: number; lines: number } | null {
    const match = /^(.*) typed (\d+) characters? without echo(?: in (\d+) lines)?$/s.exec(label);
    return match && { who: match[1] ?? "", characters: Number(match[2]), lines: Number(match[3] ?? 1) };
}

function words({ who, characters, lines }: { who: string; characters: number; lines: number }): string {
    const count = (number: number) => number.toLocaleString("en-US");
    const typed = `${who} typed ${count(characters)} ${characters === 1 ? "character" : "characters"} without echo`;
    return lines > 1 ? `${typed} in ${count(lines)} lines` : typed;
}
