// Moments of a session in what people write: "at 12:03" is twelve minutes and three seconds after its beginning, as the
// clock beside the recording light shows it.

export type Part =
    | { kind: "text"; text: string }
    | { kind: "moment"; text: string; seconds: number }
    | { kind: "mention"; text: string; username: string };

const TIME = "(?<![\\d:.])(?:(\\d{1,3}):)?(\\d{1,2}):([0-5]\\d)(?![\\d:])";
const MENTION = "(?<![\\p{L}\\p{N}])@([a-z0-9][a-z0-9._-]{0,31})";
const PATTERN = new RegExp(`${TIME}|${MENTION}`, "giu");

/**
 * The parts of a message.
 *
 * @param length seconds that the session lasted so far: a time after its end is no moment of it
 */
export function parts(text: string, length: number): Part[] {
    const found: Part[] = [];
    let from = 0;
    const put = (until: number) => {
        if (until > from) found.push({ kind: "text", text: text.slice(from, until) });
    };
    for (const match of text.matchAll(PATTERN)) {
        const [, hours, minutes, seconds, name] = match;
        const whole = match[0] ?? "";
        const start = match.index ?? 0;
        if (name !== undefined) {
            const username = name.replace(/[.\-_]+$/, "").toLowerCase();
            put(start);
            found.push({ kind: "mention", text: text.slice(start, start + 1 + username.length), username });
            from = start + 1 + username.length;
            continue;
        }
        const total = Number(hours ?? 0) * 3600 + Number(minutes) * 60 + Number(seconds);
        if (total > length || (hours !== undefined && Number(minutes) > 59)) continue;
        put(start);
        found.push({ kind: "moment", text: whole, seconds: total });
        from = start + whole.length;
    }
    put(text.length);
    return found;
}

/** What stands behind the last @ before the cursor, when somebody is choosing whom to mention; null otherwise. */
export function mentionAt(text: string, cursor: number): { start: number; query: string } | null {
    const match = /(?:^|[^\p{L}\p{N}])@([a-z0-9._-]{0,32})$/iu.exec(text.slice(0, cursor));
    if (!match) return null;
    const query = match[1] ?? "";
    return { start: cursor - query.length - 1, query: query.toLowerCase() };
}
