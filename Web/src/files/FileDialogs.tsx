import { type FormEvent, type ReactNode, useState } from "react";
import { type ApiError, asApiError } from "../api/client";
import { Button, Dialog, Field } from "../ui/controls";
import { Problem } from "../ui/display";
import { inert } from "../ui/text";
import { encodePath, joined, makeFolder, rename, setMode } from "./filesApi";
import { nameProblem, octal, permissionBits } from "./ordering";
import { TextDialog } from "./TextDialog";
import { remove } from "./transfers";
import type { FileEntry, FileListing } from "./types";

/** What a person is asked about files. */
export type DialogRequest =
    | { kind: "folder" | "newText" }
    | { kind: "rename" | "mode" | "text"; entry: FileEntry }
    | { kind: "remove"; entries: FileEntry[] };

interface Props {
    session: string;
    listing: FileListing;
    close: () => void;
    changed: () => void;
}

export function FileDialogs({ request, ...props }: Props & { request: DialogRequest }) {
    switch (request.kind) {
        case "folder":
            return <NewFolder {...props} />;
        case "newText":
            return <NewText {...props} />;
        case "rename":
            return <Rename {...props} entry={request.entry} />;
        case "mode":
            return <Permissions {...props} entry={request.entry} />;
        case "remove":
            return <Remove {...props} entries={request.entries} />;
        case "text":
            return (
                <TextDialog
                    session={props.session}
                    path={request.entry.encoded}
                    name={request.entry.name}
                    close={props.close}
                    changed={props.changed}
                />
            );
    }
}

/** A form in a dialog that closes when its act is done, and says why when it is not. */
function Asking({ title, label, children, close, act, testid, danger, disabled }: {
    title: string;
    label: string;
    children: ReactNode;
    close: () => void;
    /** What is done; "stay" leaves the dialog to what follows. */
    act: () => Promise<void | "stay">;
    testid: string;
    danger?: boolean;
    disabled?: boolean;
}) {
    const [error, setError] = useState<ApiError | null>(null);
    const [busy, setBusy] = useState(false);
    const submit = async (event: FormEvent) => {
        event.preventDefault();
        setBusy(true);
        setError(null);
        try {
            if ((await act()) !== "stay") close();
        } catch (problem) {
            setError(asApiError(problem));
            setBusy(false);
        }
    };
    return (
        <Dialog title={title} onClose={close} testid={testid}>
            <form className="files-form" onSubmit={(event) => void submit(event)}>
                {error && <Problem compact error={error} testid={`${testid}-problem`} />}
                {children}
                <div className="form-actions">
                    <Button onClick={close}>Cancel</Button>
                    <Button
                        type="submit"
                        tone={danger ? "danger" : "primary"}
                        busy={busy}
                        disabled={disabled}
                        data-testid={`${testid}-submit`}
                    >
                        {label}
                    </Button>
                </div>
            </form>
        </Dialog>
    );
}

function NewFolder({ session, listing, close, changed }: Props) {
    const [name, setName] = useState("");
    return (
        <Asking
            title="New folder"
            label="Make it"
            close={close}
            testid="new-folder"
            disabled={nameProblem(name) !== null}
            act={async () => {
                await makeFolder(session, joined(listing.encoded, name));
                changed();
            }}
        >
            <Field
                label="Name"
                value={name}
                autoComplete="off"
                autoCapitalize="off"
                data-first-focus=""
                data-testid="new-folder-name"
                error={name ? nameProblem(name) : null}
                onChange={(event) => setName(event.target.value)}
            />
        </Asking>
    );
}

function NewText({ session, listing, close, changed }: Props) {
    const [name, setName] = useState("");
    const [path, setPath] = useState<string | null>(null);
    if (path) {
        return <TextDialog session={session} path={path} name={name} isNew close={close} changed={changed} />;
    }
    const isTaken = listing.entries.some((entry) => entry.name === name);
    return (
        <Asking
            title="New text file"
            label="Write it"
            close={close}
            testid="new-text"
            disabled={nameProblem(name) !== null || isTaken}
            act={() => {
                setPath(joined(listing.encoded, name));
                return Promise.resolve("stay");
            }}
        >
            <Field
                label="Name"
                value={name}
                autoComplete="off"
                autoCapitalize="off"
                data-first-focus=""
                data-testid="new-text-name"
                error={isTaken ? "There is one of this name." : name ? nameProblem(name) : null}
                onChange={(event) => setName(event.target.value)}
            />
        </Asking>
    );
}

function Rename({ session, listing, entry, close, changed }: Props & { entry: FileEntry }) {
    const [name, setName] = useState(entry.name);
    const isPath = name.startsWith("/");
    const wrong = isPath ? null : nameProblem(name);
    return (
        <Asking
            title={`Rename ${inert(entry.name, 80)}`}
            label="Rename"
            close={close}
            testid="rename"
            disabled={name === entry.name || wrong !== null}
            act={async () => {
                await rename(session, entry.encoded, isPath ? encodePath(name) : joined(listing.encoded, name));
                changed();
            }}
        >
            <Field
                label="New name"
                hint="A path that begins with a slash moves it there."
                value={name}
                autoComplete="off"
                autoCapitalize="off"
                data-first-focus=""
                data-testid="rename-name"
                error={wrong}
                onFocus={(event) => {
                    const dot = entry.name.lastIndexOf(".");
                    event.target.setSelectionRange(0, dot > 0 ? dot : entry.name.length);
                }}
                onChange={(event) => setName(event.target.value)}
            />
        </Asking>
    );
}

function Permissions({ session, entry, close, changed }: Props & { entry: FileEntry }) {
    const [mode, setNumber] = useState(parseInt(entry.mode ?? "0644", 8));
    const [text, setText] = useState(octal(mode));
    const set = (value: number) => {
        setNumber(value);
        setText(octal(value));
    };
    const isMode = /^[0-7]{3,4}$/.test(text);
    return (
        <Asking
            title={`Permissions of ${inert(entry.name, 80)}`}
            label="Set"
            close={close}
            testid="mode"
            disabled={!isMode}
            act={async () => {
                await setMode(session, entry.encoded, octal(mode));
                changed();
            }}
        >
            <table className="files-mode">
                <thead>
                    <tr>
                        <td />
                        <th scope="col">Read</th>
                        <th scope="col">Write</th>
                        <th scope="col">{entry.kind === "folder" ? "Enter" : "Execute"}</th>
                    </tr>
                </thead>
                <tbody>
                    {[0, 1, 2].map((row) => (
                        <tr key={row}>
                            <th scope="row">{["Owner", "Group", "Others"][row]}</th>
                            {permissionBits.slice(row * 3, row * 3 + 3).map(({ who, right, bit }) => (
                                <td key={bit}>
                                    <label>
                                        <input
                                            type="checkbox"
                                            checked={(mode & bit) !== 0}
                                            aria-label={`${who} may ${right}`}
                                            data-testid={`mode-${who}-${right}`}
                                            onChange={() => set(mode ^ bit)}
                                        />
                                    </label>
                                </td>
                            ))}
                        </tr>
                    ))}
                </tbody>
            </table>
            <Field
                label="As digits"
                value={text}
                inputMode="numeric"
                autoComplete="off"
                data-testid="mode-digits"
                error={isMode ? null : "Three or four digits from 0 to 7."}
                onChange={(event) => {
                    setText(event.target.value);
                    if (/^[0-7]{3,4}$/.test(event.target.value)) setNumber(parseInt(event.target.value, 8));
                }}
            />
        </Asking>
    );
}

function Remove({ session, entries, close, changed }: Props & { entries: FileEntry[] }) {
    const [typed, setTyped] = useState("");
    const folders = entries.filter((entry) => entry.kind === "folder");
    const only = entries.length === 1 ? entries[0] : undefined;
    const word = folders.length === 0 ? null : only ? only.name : "delete";
    return (
        <Asking
            title={only ? `Delete ${inert(only.name, 80)}?` : `Delete ${entries.length} items?`}
            label="Delete"
            danger
            close={close}
            testid="delete"
            disabled={word !== null && typed !== word}
            act={() => {
                for (const entry of entries) remove(session, entry);
                changed();
                return Promise.resolve();
            }}
        >
            <p>
                {folders.length === 0
                    ? "There is no way back."
                    : "Folders go with everything in them. There is no way back. Links go, not what they lead to."}
            </p>
            {word !== null && (
                <Field
                    label={only ? "Type its name" : "Type “delete”"}
                    hint={inert(word, 120)}
                    value={typed}
                    autoComplete="off"
                    autoCapitalize="off"
                    data-first-focus=""
                    data-testid="delete-name"
                    onChange={(event) => setTyped(event.target.value)}
                />
            )}
        </Asking>
    );
}
