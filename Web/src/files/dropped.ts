/** A file that somebody dropped or chose, with the folders above it within what was dropped. */
export interface DroppedFile {
    file: File;
    folders: string[];
}

export interface Dropped {
    files: DroppedFile[];
    /** Every folder, those above first, since an empty one is wanted too. */
    folders: string[][];
}

/** Files at most that one drop may bring. */
export const MOST_FILES = 20_000;

/** Everything in a drop, folders too. The items have to be asked at once: after the event they are gone. */
export async function readDrop(transfer: DataTransfer): Promise<Dropped> {
    const entries = [...transfer.items].flatMap((item) => item.webkitGetAsEntry?.() ?? []);
    const plain = [...transfer.files];
    const found: Dropped = { files: [], folders: [] };
    if (entries.length === 0) return { files: plain.map((file) => ({ file, folders: [] })), folders: [] };
    for (const entry of entries) await gather(entry, [], found);
    return found;
}

async function gather(entry: FileSystemEntry, folders: string[], found: Dropped): Promise<void> {
    if (found.files.length >= MOST_FILES || folders.length > 64) return;
    if (entry.isFile) {
        const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
        found.files.push({ file, folders });
        return;
    }
    const inside = [...folders, entry.name];
    found.folders.push(inside);
    const reader = (entry as FileSystemDirectoryEntry).createReader();
    for (;;) {
        // A reader gives a hundred at a time, and none at the end.
        const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
        if (some.length === 0) return;
        for (const one of some) await gather(one, inside, found);
    }
}

/** What a file field gave; a folder's files have their place in `webkitRelativePath`. */
export function readChosen(files: FileList): Dropped {
    const found: Dropped = { files: [], folders: [] };
    const seen = new Set<string>();
    for (const file of [...files].slice(0, MOST_FILES)) {
        const folders = file.webkitRelativePath.split("/").slice(0, -1).filter(Boolean);
        folders.forEach((_, index) => {
            const path = folders.slice(0, index + 1);
            if (seen.has(path.join("/"))) return;
            seen.add(path.join("/"));
            found.folders.push(path);
        });
        found.files.push({ file, folders });
    }
    return found;
}
