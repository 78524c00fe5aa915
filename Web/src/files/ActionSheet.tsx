import { Button, Dialog } from "../ui/controls";
import type { IconName } from "../ui/Icon";
import { bytes, fullTime, inert } from "../ui/text";
import type { DialogRequest } from "./FileDialogs";
import { modeWords } from "./ordering";
import { sum } from "./transfers";
import { type FileEntry, leadsToFile, leadsToFolder } from "./types";

/** What can be done with one file: a sheet that a thumb reaches, and a dialog on the desk. */
export function ActionSheet(
    { session, entry, mayWrite, isSelected, close, open, download, ask, insert, select }: {
        session: string;
        entry: FileEntry;
        mayWrite: boolean;
        isSelected: boolean;
        close: () => void;
        open: (entry: FileEntry) => void;
        download: (entry: FileEntry) => void;
        ask: (request: DialogRequest) => void;
        insert: (entry: FileEntry) => void;
        select: () => void;
    },
) {
    const isFile = leadsToFile(entry);
    const action = (name: string, icon: IconName, label: string, run: () => void, danger = false) => (
        <Button
            key={name}
            tone={danger ? "danger" : "plain"}
            icon={icon}
            data-testid={`file-${name}`}
            onClick={() => {
                close();
                run();
            }}
        >
            {label}
        </Button>
    );
    return (
        <Dialog title={inert(entry.name, 120)} onClose={close} testid="file-sheet">
            <p className="muted files-facts">
                {[
                    entry.size === null ? null : bytes(entry.size),
                    entry.modified ? fullTime(entry.modified) : null,
                    entry.mode ? `${modeWords(entry.mode)} (${entry.mode})` : null,
                    entry.owner ? `${inert(entry.owner, 32)}:${inert(entry.group, 32)}` : null,
                    entry.target ? `→ ${inert(entry.target, 120)}` : null,
                ].filter(Boolean).join(" · ")}
            </p>
            <div className="files-actions">
                {leadsToFolder(entry) && action("open", "folder", "Open", () => open(entry))}
                {isFile && action("view", "eye", mayWrite ? "View and edit" : "View", () => open(entry))}
                {isFile && action("get", "download", "Download", () => download(entry))}
                {leadsToFolder(entry) && action("zip", "download", "Download as zip", () => download(entry))}
                {action("select", "select", isSelected ? "Do not select" : "Select", select)}
                {isFile && action("checksum", "fingerprint", "Checksum", () => sum(session, entry))}
                {action("insert", "terminal", "Insert its path", () => insert(entry))}
                {mayWrite && action("rename", "edit", "Rename or move", () => ask({ kind: "rename", entry }))}
                {mayWrite && entry.kind !== "link" &&
                    action("mode", "lock", "Permissions", () => ask({ kind: "mode", entry }))}
                {mayWrite && action("delete", "trash", "Delete", () => ask({ kind: "remove", entries: [entry] }), true)}
            </div>
        </Dialog>
    );
}
