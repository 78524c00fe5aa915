import { useEffect, useRef, useState } from "react";
import { Icon } from "../ui/Icon";
import { bytes, fullTime, inert, shortTime } from "../ui/text";
import { fileUrl } from "./filesApi";
import type { Sort, SortKey } from "./ordering";
import { type FileEntry, leadsToFile, leadsToFolder } from "./types";

/** Rows that are in the document at once; a folder of thousands is shown in parts. */
const PART = 300;
const LONG_PRESS = 450;

interface GridProps {
    session: string;
    entries: FileEntry[];
    selected: ReadonlySet<string>;
    select: (paths: ReadonlySet<string>) => void;
    sort: Sort;
    sortBy: (key: SortKey) => void;
    open: (entry: FileEntry) => void;
    act: (entry: FileEntry) => void;
    up: () => void;
    /** Which entry gets the keyboard when the folder is shown: its path, or "" for the first; null leaves it where it is. */
    arrival: React.MutableRefObject<string | null>;
    rename: (entry: FileEntry) => void;
    remove: (entries: FileEntry[]) => void;
}

/** A folder's names. One row has the keyboard: arrows move, Space selects, Enter opens, F2 renames, Delete asks. */
export function FileGrid(props: GridProps) {
    const { entries, selected, select, sort, sortBy } = props;
    const [focus, setFocus] = useState(0);
    const [count, setCount] = useState(PART);
    const anchor = useRef(0);
    const body = useRef<HTMLTableSectionElement>(null);
    const typed = useRef({ text: "", at: 0 });
    const at = Math.min(focus, entries.length - 1);
    useEffect(() => {
        const wanted = props.arrival.current;
        props.arrival.current = null;
        if (wanted !== null) move(Math.max(0, entries.findIndex((entry) => entry.encoded === wanted)), false);
        // Once, when the folder is shown.
    }, []);

    const move = (index: number, extend: boolean) => {
        const target = Math.max(0, Math.min(entries.length - 1, index));
        if (target >= count) setCount(target + PART);
        setFocus(target);
        if (extend) {
            const [low, high] = [Math.min(anchor.current, target), Math.max(anchor.current, target)];
            select(new Set(entries.slice(low, high + 1).map((entry) => entry.encoded)));
        } else anchor.current = target;
        requestAnimationFrame(() => {
            const row = body.current?.rows[target];
            row?.focus();
            row?.scrollIntoView({ block: "nearest" });
        });
    };
    const toggle = (entry: FileEntry) => {
        const some = new Set(selected);
        if (!some.delete(entry.encoded)) some.add(entry.encoded);
        select(some);
    };
    const pressed = (event: React.KeyboardEvent) => {
        const entry = entries[at];
        if (!entry || event.target instanceof HTMLButtonElement) return;
        const some = entries.filter((one) => selected.has(one.encoded));
        const keys: Record<string, () => void> = {
            ArrowDown: () => move(at + 1, event.shiftKey),
            ArrowUp: () => move(at - 1, event.shiftKey),
            PageDown: () => move(at + 12, event.shiftKey),
            PageUp: () => move(at - 12, event.shiftKey),
            Home: () => move(0, event.shiftKey),
            End: () => move(entries.length - 1, event.shiftKey),
            Enter: () => props.open(entry),
            " ": () => toggle(entry),
            F2: () => props.rename(entry),
            Delete: () => props.remove(some.length > 0 ? some : [entry]),
            Backspace: props.up,
            ContextMenu: () => props.act(entry),
        };
        const run = keys[event.key];
        if (event.key === "a" && (event.ctrlKey || event.metaKey)) {
            event.preventDefault();
            select(new Set(entries.map((one) => one.encoded)));
        } else if (event.key === "F10" && event.shiftKey) {
            event.preventDefault();
            props.act(entry);
        } else if (event.key === "Escape" && selected.size > 0) {
            event.preventDefault();
            select(new Set());
        } else if (run && !event.ctrlKey && !event.metaKey && !event.altKey) {
            event.preventDefault();
            run();
        } else if (event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey) {
            find(event.key);
        }
    };
    /** Letters that are typed quickly go to the first name that begins with them. */
    const find = (letter: string) => {
        const now = performance.now();
        typed.current = { text: now - typed.current.at < 800 ? typed.current.text + letter : letter, at: now };
        const index = entries.findIndex((one) => one.name.toLowerCase().startsWith(typed.current.text.toLowerCase()));
        if (index >= 0) move(index, false);
    };
    const clicked = (event: React.MouseEvent, index: number, entry: FileEntry) => {
        if (event.shiftKey) return move(index, true);
        setFocus(index);
        anchor.current = index;
        if (event.ctrlKey || event.metaKey) return toggle(entry);
        // A thumb opens; a mouse selects, and opens with the second click.
        if (matchMedia("(pointer: coarse)").matches) {
            if (selected.size > 0) toggle(entry);
            else if (leadsToFolder(entry)) props.open(entry);
            else props.act(entry);
        } else select(new Set([entry.encoded]));
    };
    return (
        <table className="files-table" role="grid" aria-label="Files" aria-multiselectable="true" data-testid="files-table">
            <thead>
                <tr>
                    {(["name", "size", "modified"] as const).map((key) => (
                        <th
                            key={key}
                            scope="col"
                            className={`files-${key}`}
                            aria-sort={sort.key === key ? (sort.descending ? "descending" : "ascending") : "none"}
                        >
                            <button type="button" onClick={() => sortBy(key)}>
                                {{ name: "Name", size: "Size", modified: "Changed" }[key]}
                                {sort.key === key && <Icon name={sort.descending ? "arrow-down" : "arrow-up"} size={13} />}
                            </button>
                        </th>
                    ))}
                    <th scope="col" className="files-act">
                        <span className="offscreen">Actions</span>
                    </th>
                </tr>
            </thead>
            <tbody ref={body} onKeyDown={pressed}>
                {entries.slice(0, count).map((entry, index) => (
                    <Row
                        key={entry.encoded}
                        {...props}
                        entry={entry}
                        isSelected={selected.has(entry.encoded)}
                        isFocused={index === at}
                        onFocus={() => setFocus(index)}
                        onClick={(event) => clicked(event, index, entry)}
                        hold={() => toggle(entry)}
                    />
                ))}
            </tbody>
            {entries.length > count && (
                <tfoot>
                    <tr>
                        <td colSpan={4}>
                            <button type="button" className="button plain small" onClick={() => setCount(count + 4 * PART)}>
                                Show more of {entries.length}
                            </button>
                        </td>
                    </tr>
                </tfoot>
            )}
        </table>
    );
}

function Row({ session, entry, isSelected, isFocused, onFocus, onClick, hold, open, act }: GridProps & {
    entry: FileEntry;
    isSelected: boolean;
    isFocused: boolean;
    onFocus: () => void;
    onClick: (event: React.MouseEvent) => void;
    hold: () => void;
}) {
    const press = useRef<ReturnType<typeof setTimeout>>();
    const isHeld = useRef(false);
    const name = inert(entry.name, 255);
    const size = entry.size === null ? "" : bytes(entry.size);
    return (
        <tr
            role="row"
            tabIndex={isFocused ? 0 : -1}
            aria-selected={isSelected}
            data-kind={entry.kind}
            data-name={entry.name}
            data-testid="file-row"
            draggable={leadsToFile(entry)}
            onFocus={onFocus}
            onDragStart={(event) => {
                // Where the browser can: dropped on the desk, it is downloaded there.
                const url = new URL(fileUrl(session, entry.encoded), location.href).href;
                const plain = name.replace(/[:/\\]/g, "_");
                event.dataTransfer.setData("DownloadURL", `application/octet-stream:${plain}:${url}`);
                event.dataTransfer.setData("text/uri-list", url);
                event.dataTransfer.effectAllowed = "copy";
            }}
            onClick={(event) => {
                if (isHeld.current) {
                    isHeld.current = false;
                    return;
                }
                if (event.detail < 2) onClick(event);
            }}
            onDoubleClick={() => open(entry)}
            onContextMenu={(event) => {
                event.preventDefault();
                if (!isHeld.current) act(entry);
            }}
            onPointerDown={(event) => {
                if (event.pointerType === "mouse") return;
                clearTimeout(press.current);
                press.current = setTimeout(() => {
                    isHeld.current = true;
                    navigator.vibrate?.(10);
                    hold();
                }, LONG_PRESS);
            }}
            onPointerUp={() => clearTimeout(press.current)}
            onPointerCancel={() => clearTimeout(press.current)}
            onPointerLeave={() => clearTimeout(press.current)}
        >
            <td role="gridcell" className="files-name">
                <span className="files-label">
                    <Icon name={isSelected ? "check" : icon(entry)} />
                    <span className="files-words">
                        <b>{name}</b>
                        <small>
                            {[
                                entry.kind === "link"
                                    ? entry.targetKind ? `→ ${inert(entry.target, 60)}` : "leads nowhere"
                                    : null,
                                size || null,
                                entry.modified && shortTime(entry.modified),
                            ].filter(Boolean).join(" · ")}
                        </small>
                    </span>
                </span>
            </td>
            <td role="gridcell" className="files-size" title={entry.size === null ? undefined : `${entry.size} bytes`}>
                {size}
            </td>
            <td
                role="gridcell"
                className="files-modified"
                title={entry.modified ? fullTime(entry.modified) : undefined}
            >
                {entry.modified ? shortTime(entry.modified) : ""}
            </td>
            <td role="gridcell" className="files-act">
                <button
                    type="button"
                    className="button quiet icon-only small"
                    aria-label={`What to do with ${name}`}
                    tabIndex={isFocused ? 0 : -1}
                    data-testid="file-act"
                    onClick={(event) => {
                        event.stopPropagation();
                        act(entry);
                    }}
                >
                    <Icon name="more" size={16} />
                </button>
            </td>
        </tr>
    );
}

function icon(entry: FileEntry) {
    if (leadsToFolder(entry)) return "folder" as const;
    if (entry.kind === "link") return "link" as const;
    return leadsToFile(entry) ? "file" as const : "settings" as const;
}
