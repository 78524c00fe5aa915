import type { FileEntry } from "./types";
import { leadsToFolder } from "./types";

export type SortKey = "name" | "size" | "modified";

export interface Sort {
    key: SortKey;
    descending: boolean;
}

const names = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

/** Folders first; hidden files only when they are wanted. */
export function arranged(entries: FileEntry[], sort: Sort, hidden: boolean): FileEntry[] {
    const sign = sort.descending ? -1 : 1;
    const compare = (a: FileEntry, b: FileEntry) => {
        if (sort.key === "size") return sign * ((a.size ?? -1) - (b.size ?? -1)) || names.compare(a.name, b.name);
        if (sort.key === "modified") {
            return sign * (a.modified ?? "").localeCompare(b.modified ?? "") || names.compare(a.name, b.name);
        }
        return sign * names.compare(a.name, b.name);
    };
    return entries
        .filter((entry) => hidden || !entry.name.startsWith("."))
        .sort((a, b) => Number(leadsToFolder(b)) - Number(leadsToFolder(a)) || compare(a, b));
}

/** The folders above a path and itself, each with its percent-encoded path: what a person taps to go up. */
export function crumbs(path: string, encoded: string): { name: string; encoded: string }[] {
    const words = path.split("/").filter(Boolean);
    const parts = encoded.split("/").filter(Boolean);
    const found = [{ name: "/", encoded: "/" }];
    parts.forEach((_, index) =>
        found.push({ name: words[index] ?? "?", encoded: `/${parts.slice(0, index + 1).join("/")}` })
    );
    return found;
}

/** "notes.txt" becomes "notes (2).txt", as long as it has to. */
export function freeName(name: string, taken: ReadonlySet<string>): string {
    if (!taken.has(name)) return name;
    const dot = name.lastIndexOf(".");
    const [stem, ending] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ""];
    for (let number = 2;; number += 1) {
        const candidate = `${stem} (${number})${ending}`;
        if (!taken.has(candidate)) return candidate;
    }
}

/** A name that stands for one thing in a folder; the reason, when it does not. */
export function nameProblem(name: string): string | null {
    if (name === "") return "A name has at least one character.";
    if (name === "." || name === "..") return "This name has a meaning of its own.";
    if (name.includes("/")) return "A name has no slash.";
    if (name.includes("\0")) return "A name has no NUL.";
    if (new TextEncoder().encode(name).length > 255) return "A name has at most 255 bytes.";
    return null;
}

const classes = ["owner", "group", "others"] as const;
const rights = ["read", "write", "execute"] as const;

/** The nine permissions of a mode, and back. */
export const permissionBits = classes.flatMap((who, row) =>
    rights.map((right, column) => ({ who, right, bit: 1 << (8 - row * 3 - column) }))
);

export const octal = (mode: number) => mode.toString(8).padStart(4, "0");

/** "rwxr-x---" */
export const modeWords = (mode: string | null) =>
    mode === null
        ? ""
        : permissionBits.map(({ right, bit }) => (parseInt(mode, 8) & bit ? right.replace("execute", "x")[0] : "-"))
            .join("");
