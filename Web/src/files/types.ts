// Files of a session's host as they travel. Names are the host's: they are shown as text and never obeyed.

export type FileKind = "file" | "folder" | "link" | "other";

export interface FileEntry {
    name: string;
    path: string;
    /** The path byte for byte, percent-encoded: it stands in a query as it is. */
    encoded: string;
    kind: FileKind;
    size: number | null;
    modified: string | null;
    mode: string | null;
    owner: string | null;
    group: string | null;
    target: string | null;
    targetKind: FileKind | null;
    version: string | null;
}

export interface FileListing {
    path: string;
    encoded: string;
    parent: string | null;
    entries: FileEntry[];
    total: number;
    skipped: number;
    truncated: boolean;
    next: string | null;
    mayWrite: boolean;
}

export interface FileText {
    entry: FileEntry;
    text: string | null;
    truncated: boolean;
    version: string | null;
    mayWrite: boolean;
}

export interface UploadState {
    complete: boolean;
    offset: number;
    entry?: FileEntry;
    sha256?: string;
}

/** What opening it means: a link to a folder is a folder. */
export const leadsToFolder = (entry: FileEntry) => (entry.targetKind ?? entry.kind) === "folder";

export const leadsToFile = (entry: FileEntry) => (entry.targetKind ?? entry.kind) === "file";
