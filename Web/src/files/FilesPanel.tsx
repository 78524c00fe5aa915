import { useCallback, useEffect, useRef, useState } from "react";
import { type ApiError, asApiError } from "../api/client";
import { toast, useMay, useStore } from "../app/store";
import { onNote } from "../terminal/notes";
import type { PanelProps } from "../terminal/panels";
import { Button, type MenuItem, Menu } from "../ui/controls";
import { Empty, NoPermission, Problem, Skeleton } from "../ui/display";
import { Icon } from "../ui/Icon";
import { inert } from "../ui/text";
import { ActionSheet } from "./ActionSheet";
import { type DialogRequest, FileDialogs } from "./FileDialogs";
import { FileGrid } from "./FileGrid";
import "./files.css";
import { readChosen, readDrop } from "./dropped";
import { archiveUrl, fileUrl, listFolder } from "./filesApi";
import { arranged, crumbs, type Sort, type SortKey } from "./ordering";
import { TransferQueue } from "./TransferQueue";
import { onFinished, uploadInto, useTransfers } from "./transfers";
import { type FileEntry, type FileListing, leadsToFile, leadsToFolder } from "./types";

/** Where each session's panel was left. */
const places = new Map<string, string>();

const HIDDEN = "copilot.files.hidden";

/** The files of the session's host: look, fetch, bring, change. */
export function FilesPanel({ sessionId, channel, seat, insert }: PanelProps) {
    const mayRead = useMay("file.read");
    const isOnline = useStore((s) => s.isOnline);
    const [path, setPath] = useState(places.get(sessionId) ?? "");
    const [listing, setListing] = useState<FileListing | null>(null);
    const [error, setError] = useState<ApiError | null>(null);
    const [isLoading, setLoading] = useState(true);
    const [sort, setSort] = useState<Sort>({ key: "name", descending: false });
    const [hidden, setHidden] = useState(localStorage.getItem(HIDDEN) === "yes");
    const [selected, select] = useState<ReadonlySet<string>>(new Set());
    const [dialog, ask] = useState<DialogRequest | null>(null);
    const [sheet, setSheet] = useState<FileEntry | null>(null);
    const [isOver, setOver] = useState(false);
    const transfers = useTransfers().filter((one) => one.session === sessionId);
    /** Whoever goes into a folder by keyboard goes on there: at this entry, or at the first one. */
    const arrival = useRef<string | null>(null);
    const files = useRef<HTMLInputElement>(null);
    const folders = useRef<HTMLInputElement>(null);
    const isLive = seat.state === "live";

    const load = useCallback(async (signal?: AbortSignal) => {
        setLoading(true);
        try {
            let page = await listFolder(sessionId, path, null, signal);
            const entries = [...page.entries];
            while (page.next && entries.length < 20_000) {
                page = await listFolder(sessionId, path, page.next, signal);
                entries.push(...page.entries);
            }
            setListing({ ...page, entries });
            setError(null);
        } catch (problem) {
            if (problem instanceof DOMException && problem.name === "AbortError") return;
            setError(asApiError(problem));
        }
        setLoading(false);
    }, [sessionId, path]);

    useEffect(() => {
        places.set(sessionId, path);
        select(new Set());
        const stop = new AbortController();
        if (mayRead && isLive) void load(stop.signal);
        return () => stop.abort();
    }, [load, mayRead, isLive, sessionId, path]);

    useEffect(
        () =>
            onFinished((transfer) => {
                if (transfer.session === sessionId && transfer.kind !== "checksum") void load();
            }),
        [load, sessionId],
    );

    useEffect(() => {
        // Others at the session change files too; many changes of a moment are looked at once.
        let soon: ReturnType<typeof setTimeout> | undefined;
        const stop = onNote("files.changed", (_, from) => {
            if (from !== channel || !mayRead) return;
            clearTimeout(soon);
            soon = setTimeout(() => void load(), 400);
        });
        return () => {
            stop();
            clearTimeout(soon);
        };
    }, [load, channel, mayRead]);

    if (!mayRead) return <NoPermission permission="file.read" />;
    if (!isLive) {
        return (
            <Empty icon="folder" title={seat.state === "ended" ? "The session has ended" : "The session is paused"}>
                {seat.state === "ended"
                    ? "Files are reached over its connection, which is closed. Connect again to go on."
                    : "Files can be used again as soon as it goes on."}
            </Empty>
        );
    }

    const mayWrite = listing?.mayWrite ?? false;
    const entries = arranged(listing?.entries ?? [], sort, hidden);
    const chosen = entries.filter((entry) => selected.has(entry.encoded));
    const go = (encoded: string) => setPath(encoded);
    const open = (entry: FileEntry) => {
        if (leadsToFolder(entry)) {
            arrival.current = "";
            go(entry.encoded);
        }
        else if (leadsToFile(entry)) ask({ kind: "text", entry });
        else toast(`${inert(entry.name, 60)} is no file that can be opened.`);
    };
    const download = (some: FileEntry[]) => {
        const only = some.length === 1 ? some[0] : undefined;
        save(
            only && leadsToFile(only)
                ? fileUrl(sessionId, only.encoded)
                : archiveUrl(sessionId, some.map((entry) => entry.encoded)),
        );
    };
    const bring = async (transfer: DataTransfer) => {
        setOver(false);
        if (!mayWrite || !listing) return;
        await uploadInto(sessionId, listing.encoded, await readDrop(transfer));
    };
    const sortBy = (key: SortKey) => setSort({ key, descending: sort.key === key ? !sort.descending : key !== "name" });
    const writing: MenuItem[] = [
        { label: "Upload a folder", icon: "folder", run: () => folders.current?.click() },
        {
            label: "New folder",
            icon: "plus",
            run: () => ask({ kind: "folder" }),
            testid: "files-new-folder",
        },
        { label: "New text file", icon: "edit", run: () => ask({ kind: "newText" }), testid: "files-new-text" },
    ];
    const menu: MenuItem[] = [
        ...(mayWrite ? writing : []),
        {
            label: hidden ? "Hide hidden files" : "Show hidden files",
            icon: "eye",
            testid: "files-hidden",
            run: () => {
                setHidden(!hidden);
                localStorage.setItem(HIDDEN, hidden ? "no" : "yes");
            },
        },
        ...(["name", "size", "modified"] as const).map((key): MenuItem => ({
            label: `Sort by ${key}${sort.key === key ? (sort.descending ? ", descending" : ", ascending") : ""}`,
            icon: sort.key === key ? (sort.descending ? "arrow-down" : "arrow-up") : "select",
            testid: `files-sort-${key}`,
            run: () => sortBy(key),
        })),
        {
            label: "This folder as a zip",
            icon: "download",
            run: () => listing && save(archiveUrl(sessionId, [listing.encoded])),
            testid: "files-zip-folder",
        },
        { label: "Insert this path", icon: "terminal", run: () => listing && insert(quoted(listing.path)) },
    ];
    return (
        <div
            className="files"
            data-testid="files"
            data-over={isOver}
            onDragEnter={(event) => {
                if (event.dataTransfer.types.includes("Files") && mayWrite) setOver(true);
            }}
            onDragOver={(event) => {
                if (!event.dataTransfer.types.includes("Files")) return;
                event.preventDefault();
                event.dataTransfer.dropEffect = mayWrite ? "copy" : "none";
            }}
            onDragLeave={(event) => {
                if (!event.currentTarget.contains(event.relatedTarget as Node | null)) setOver(false);
            }}
            onDrop={(event) => {
                event.preventDefault();
                void bring(event.dataTransfer);
            }}
        >
            <Breadcrumb listing={listing} go={go} />
            <div className="files-bar">
                {mayWrite && (
                    <Button small tone="soft" icon="upload" onClick={() => files.current?.click()} data-testid="files-upload">
                        Upload
                    </Button>
                )}
                <Button
                    small
                    tone="quiet"
                    icon="arrow-up"
                    aria-label="The folder above"
                    disabled={!listing?.parent || listing.path === "/"}
                    onClick={() => listing?.parent && go(listing.parent)}
                    data-testid="files-parent"
                />
                <Button
                    small
                    tone="quiet"
                    icon="refresh"
                    aria-label="Read the folder again"
                    busy={isLoading && listing !== null}
                    onClick={() => void load()}
                    data-testid="files-refresh"
                />
                <span className="files-count" role="status">
                    {listing && counted(entries.length, listing, hidden)}
                </span>
                <Menu label="More about this folder" items={menu} testid="files-menu" />
            </div>
            <input
                ref={files}
                type="file"
                multiple
                hidden
                data-testid="files-input"
                onChange={(event) => {
                    const list = event.target.files;
                    if (list && listing) void uploadInto(sessionId, listing.encoded, readChosen(list));
                    event.target.value = "";
                }}
            />
            <input
                ref={folders}
                type="file"
                hidden
                data-testid="files-folder-input"
                {...{ webkitdirectory: "" }}
                onChange={(event) => {
                    const list = event.target.files;
                    if (list && listing) void uploadInto(sessionId, listing.encoded, readChosen(list));
                    event.target.value = "";
                }}
            />
            {!isOnline && (
                <p className="stale" role="status">
                    <Icon name="offline" /> You are offline: this is how the folder was.
                </p>
            )}
            {error && <Problem error={error} retry={() => void load()} compact={listing !== null} testid="files-problem" />}
            {!listing && !error && <Skeleton rows={5} />}
            {listing && entries.length === 0 && !error && (
                <Empty
                    icon="folder"
                    title={listing.total > 0 ? "Only hidden files" : "An empty folder"}
                    action={listing.parent && listing.path !== "/" && (
                        <UpButton arrival={arrival} up={() => listing.parent && go(listing.parent)} />
                    )}
                >
                    {mayWrite ? emptyHint() : "There is nothing here to look at."}
                </Empty>
            )}
            {listing && entries.length > 0 && (
                <FileGrid
                    key={listing.encoded}
                    session={sessionId}
                    entries={entries}
                    selected={selected}
                    select={select}
                    sort={sort}
                    sortBy={sortBy}
                    open={open}
                    act={setSheet}
                    arrival={arrival}
                    up={() => {
                        if (!listing.parent || listing.path === "/") return;
                        arrival.current = listing.encoded;
                        go(listing.parent);
                    }}
                    rename={(entry) => mayWrite && ask({ kind: "rename", entry })}
                    remove={(some) => mayWrite && ask({ kind: "remove", entries: some })}
                />
            )}
            {chosen.length > 0 && (
                <div className="files-chosen" role="toolbar" aria-label="What is selected" data-testid="files-chosen">
                    <span>{chosen.length} selected</span>
                    <Button small icon="download" onClick={() => download(chosen)} data-testid="files-download">
                        {chosen.length === 1 && chosen[0] && leadsToFile(chosen[0]) ? "Download" : "As zip"}
                    </Button>
                    {mayWrite && (
                        <Button
                            small
                            tone="danger"
                            icon="trash"
                            aria-label="Delete what is selected"
                            onClick={() => ask({ kind: "remove", entries: chosen })}
                            data-testid="files-delete"
                        />
                    )}
                    <Button small tone="quiet" icon="close" aria-label="Select nothing" onClick={() => select(new Set())} />
                </div>
            )}
            {transfers.length > 0 && <TransferQueue session={sessionId} transfers={transfers} />}
            {isOver && (
                <div className="files-drop" aria-hidden="true">
                    <Icon name="upload" size={28} />
                    <span>Drop into {inert(listing?.path ?? "", 60)}</span>
                </div>
            )}
            {sheet && (
                <ActionSheet
                    session={sessionId}
                    entry={sheet}
                    mayWrite={mayWrite}
                    close={() => setSheet(null)}
                    open={open}
                    download={(entry) => download([entry])}
                    ask={ask}
                    insert={(entry) => insert(quoted(entry.path))}
                    isSelected={selected.has(sheet.encoded)}
                    select={() => {
                        const some = new Set(selected);
                        if (!some.delete(sheet.encoded)) some.add(sheet.encoded);
                        select(some);
                    }}
                />
            )}
            {dialog && listing && (
                <FileDialogs
                    session={sessionId}
                    listing={listing}
                    request={dialog}
                    close={() => ask(null)}
                    changed={() => {
                        select(new Set());
                        void load();
                    }}
                />
            )}
        </div>
    );
}

/** The way on from an empty folder, with the keyboard on it for whoever came by keyboard. */
function UpButton({ arrival, up }: { arrival: React.MutableRefObject<string | null>; up: () => void }) {
    const place = useRef<HTMLSpanElement>(null);
    useEffect(() => {
        if (arrival.current === null) return;
        arrival.current = null;
        place.current?.querySelector("button")?.focus();
    }, [arrival]);
    return (
        <span ref={place}>
            <Button icon="arrow-up" onClick={up}>To the folder above</Button>
        </span>
    );
}

function Breadcrumb({ listing, go }: { listing: FileListing | null; go: (path: string) => void }) {
    const trail = useRef<HTMLElement>(null);
    useEffect(() => {
        // The end of a long path is what one looks for.
        if (trail.current) trail.current.scrollLeft = trail.current.scrollWidth;
    }, [listing?.path]);
    if (!listing) return null;
    const parts = crumbs(listing.path, listing.encoded);
    return (
        <div className="files-place">
            <button type="button" onClick={() => go("")} aria-label="Home folder" title="Home folder">
                <Icon name="home" size={16} />
            </button>
            <nav
                className="files-crumbs"
                aria-label="Path"
                ref={trail}
                data-testid="files-path"
                data-path={listing.path}
            >
                {parts.map((part, index) => (
                    <button
                        key={part.encoded}
                        type="button"
                        aria-current={index === parts.length - 1 ? "page" : undefined}
                        onClick={() => go(part.encoded)}
                    >
                        {inert(part.name, 40)}
                    </button>
                ))}
            </nav>
        </div>
    );
}

function counted(shown: number, listing: FileListing, hidden: boolean): string {
    const away = listing.entries.length - shown;
    const words = shown > 0 || away === 0 ? [`${shown} ${shown === 1 ? "item" : "items"}`] : [];
    if (!hidden && away > 0) words.push(`${away} hidden`);
    if (listing.truncated || listing.next) words.push("and more that are not read");
    if (listing.skipped > 0) words.push(`${listing.skipped} with impossible names`);
    return words.join(", ");
}

/** Nothing can be dragged by a thumb. */
const emptyHint = () =>
    matchMedia("(pointer: coarse)").matches ? "Upload puts files here." : "Drop files here, or use Upload.";

/** A path as a shell takes it for one word. */
const quoted = (path: string) => (/^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`);

/** The browser saves it: a file of any size goes past the page's memory. */
function save(url: string) {
    const link = document.createElement("a");
    link.href = url;
    link.download = "";
    document.body.append(link);
    link.click();
    link.remove();
}
