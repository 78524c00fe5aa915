// How the panes of one tab share its room: a session, or two layouts side by side or one above the other. It travels in
// the address as `r60.ses_a.c50.ses_b.ses_c`: a row of which the first takes 60 %, beside a column of two halves.

export interface Split {
    axis: "row" | "column";
    /** What the first takes of the room, in per cent. */
    share: number;
    first: Layout;
    second: Layout;
}

export type Layout = string | Split;

export interface Rect {
    left: number;
    top: number;
    width: number;
    height: number;
}

/** Where a split is within the whole: which child to take, again and again. */
export type Path = readonly ("first" | "second")[];

export interface Border {
    path: Path;
    split: Split;
    /** Of the split, in per cent of the whole. */
    rect: Rect;
}

export type Direction = "left" | "right" | "up" | "down";

export const LEAST_SHARE = 15;
/** More panes than this are too small to read, and an address that asks for them is not believed. */
export const MOST_PANES = 8;
const SPLIT = /^([rc])(\d{1,2})$/;
const SESSION = /^[A-Za-z0-9_-]{4,64}$/;

export const write = (layout: Layout): string =>
    typeof layout === "string"
        ? layout
        : `${layout.axis === "row" ? "r" : "c"}${Math.round(layout.share)}.${write(layout.first)}.${write(layout.second)}`;

/** Null for anything that is not the text of a layout, in which each session stands once. */
export function parse(text: string): Layout | null {
    const words = text.split(".");
    if (words.length > MOST_PANES * 2 - 1) return null;
    const next = (): Layout | null => {
        const word = words.shift() ?? "";
        const split = SPLIT.exec(word);
        if (!split) return SESSION.test(word) ? word : null;
        const first = next();
        const second = next();
        if (first === null || second === null) return null;
        return { axis: split[1] === "r" ? "row" : "column", share: clampShare(Number(split[2])), first, second };
    };
    const layout = next();
    if (layout === null || words.length > 0) return null;
    const sessions = sessionsOf(layout);
    return new Set(sessions).size === sessions.length ? layout : null;
}

export const clampShare = (share: number) => Math.max(LEAST_SHARE, Math.min(100 - LEAST_SHARE, share));

export const sessionsOf = (layout: Layout): string[] =>
    typeof layout === "string" ? [layout] : [...sessionsOf(layout.first), ...sessionsOf(layout.second)];

export const WHOLE: Rect = { left: 0, top: 0, width: 100, height: 100 };

/** Each session's place and each border between two, in per cent of the whole. */
export function arrange(layout: Layout): { panes: Map<string, Rect>; borders: Border[] } {
    const panes = new Map<string, Rect>();
    const borders: Border[] = [];
    const place = (part: Layout, rect: Rect, path: Path) => {
        if (typeof part === "string") return void panes.set(part, rect);
        borders.push({ path, split: part, rect });
        const [first, second] = halves(part, rect);
        place(part.first, first, [...path, "first"]);
        place(part.second, second, [...path, "second"]);
    };
    place(layout, WHOLE, []);
    return { panes, borders };
}

function halves({ axis, share }: Split, { left, top, width, height }: Rect): [Rect, Rect] {
    if (axis === "row") {
        const first = width * share / 100;
        return [{ left, top, width: first, height }, { left: left + first, top, width: width - first, height }];
    }
    const first = height * share / 100;
    return [{ left, top, width, height: first }, { left, top: top + first, width, height: height - first }];
}

/** A new session beside or below the one that is there; the layout itself when that is not in it. */
export function withSplit(layout: Layout, session: string, axis: Split["axis"], added: Layout): Layout {
    if (layout === session) return { axis, share: 50, first: session, second: added };
    if (typeof layout === "string") return layout;
    return {
        ...layout,
        first: withSplit(layout.first, session, axis, added),
        second: withSplit(layout.second, session, axis, added),
    };
}

/** What is left when a session goes: its neighbour takes its room. */
export function without(layout: Layout, session: string): Layout | null {
    if (typeof layout === "string") return layout === session ? null : layout;
    const first = without(layout.first, session);
    const second = without(layout.second, session);
    if (first === null || second === null) return first ?? second;
    return { ...layout, first, second };
}

export const only = (layout: Layout, isKept: (session: string) => boolean): Layout | null =>
    sessionsOf(layout).filter((session) => !isKept(session)).reduce<Layout | null>(
        (rest, session) => (rest === null ? null : without(rest, session)),
        layout,
    );

export function withShare(layout: Layout, path: Path, share: number): Layout {
    if (typeof layout === "string") return layout;
    const [step, ...rest] = path;
    if (step === undefined) return { ...layout, share: clampShare(share) };
    return { ...layout, [step]: withShare(layout[step], rest, share) };
}

/** The session whose pane is next to this one's in that direction, as the eye would find it from its middle. */
export function neighbour(layout: Layout, session: string, direction: Direction): string | null {
    const { panes } = arrange(layout);
    const from = panes.get(session);
    if (!from) return null;
    const [x, y] = [from.left + from.width / 2, from.top + from.height / 2];
    let best: { session: string; distance: number } | null = null;
    for (const [other, to] of panes) {
        if (other === session || !isBeyond(from, to, direction)) continue;
        const distance = Math.hypot(to.left + to.width / 2 - x, to.top + to.height / 2 - y);
        if (!best || distance < best.distance) best = { session: other, distance };
    }
    return best?.session ?? null;
}

const NEAR = 0.01;

function isBeyond(from: Rect, to: Rect, direction: Direction): boolean {
    const sharesRows = to.top < from.top + from.height - NEAR && to.top + to.height > from.top + NEAR;
    const sharesColumns = to.left < from.left + from.width - NEAR && to.left + to.width > from.left + NEAR;
    switch (direction) {
        case "left":
            return sharesRows && to.left + to.width <= from.left + NEAR;
        case "right":
            return sharesRows && to.left >= from.left + from.width - NEAR;
        case "up":
            return sharesColumns && to.top + to.height <= from.top + NEAR;
        case "down":
            return sharesColumns && to.top >= from.top + from.height - NEAR;
    }
}
