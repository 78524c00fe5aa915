/** Names, titles and messages come from hosts and people: control bytes and direction overrides are made visible, never obeyed. */
export function inert(text: string | null | undefined, limit = 256): string {
    if (!text) return "";
    const clean = text.replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g, "\u00b7");
    return clean.length > limit ? `${clean.slice(0, limit)}…` : clean;
}

const formats = {
    time: new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" }),
    day: new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" }),
    full: new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" }),
};

export function fullTime(iso: string | number): string {
    const date = new Date(iso);
    return Number.isNaN(date.getTime()) ? "unknown time" : formats.full.format(date);
}

/** "14:02" today, "3 Nov, 14:02" before. */
export function shortTime(iso: string | number, now = Date.now()): string {
    const date = new Date(iso);
    if (Number.isNaN(date.getTime())) return "";
    const isToday = new Date(now).toDateString() === date.toDateString();
    return isToday ? formats.time.format(date) : `${formats.day.format(date)}, ${formats.time.format(date)}`;
}

export function ago(iso: string | number | null, now = Date.now()): string {
    if (iso === null) return "never";
    const seconds = Math.max(0, (now - new Date(iso).getTime()) / 1000);
    if (seconds < 45) return "just now";
    if (seconds < 90 * 60) return `${Math.max(1, Math.round(seconds / 60))} min ago`;
    if (seconds < 36 * 3600) return `${Math.round(seconds / 3600)} h ago`;
    return `${Math.round(seconds / 86400)} d ago`;
}

/** 75 → "1:15", 3675 → "1:01:15". */
export function clock(seconds: number): string {
    const whole = Math.max(0, Math.floor(seconds));
    const rest = `${String(Math.floor(whole / 60) % 60).padStart(whole >= 3600 ? 2 : 1, "0")}:${
        String(whole % 60).padStart(2, "0")
    }`;
    return whole >= 3600 ? `${Math.floor(whole / 3600)}:${rest}` : rest;
}

/** A length in words: "8 s", "12 min", "3 h 5 min". */
export function span(seconds: number): string {
    const whole = Math.round(seconds);
    if (whole < 60) return `${whole} s`;
    if (whole < 3600) return `${Math.floor(whole / 60)} min`;
    return `${Math.floor(whole / 3600)} h ${Math.floor(whole / 60) % 60} min`;
}

export function bytes(count: number): string {
    if (count < 1024) return `${count} B`;
    if (count < 1024 * 1024) return `${(count / 1024).toFixed(count < 10240 ? 1 : 0)} KB`;
    return `${(count / 1024 / 1024).toFixed(1)} MB`;
}

export function initials(name: string): string {
    // What stands in brackets says what somebody is, not what they are called.
    const words = inert(name).replace(/\([^)]*\)/g, "").trim().split(/\s+/).filter(Boolean);
    return ((words[0]?.[0] ?? "?") + (words.length > 1 ? words[words.length - 1]?.[0] ?? "" : "")).toUpperCase();
}

/** The same hue for the same person everywhere. */
export function hueOf(id: string): number {
    let hash = 0;
    for (const character of id) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) % 360;
    return hash;
}

export const environmentLabel: Record<string, string> = {
    production: "Production",
    staging: "Staging",
    development: "Development",
    other: "Other",
};
