import { useEffect, useState } from "react";
import { type ApiError, asApiError } from "../api/client";
import { toast } from "../app/store";
import { Button, Dialog } from "../ui/controls";
import { Problem, Skeleton } from "../ui/display";
import { inert } from "../ui/text";
import { fileUrl, readText, saveText } from "./filesApi";
import type { FileText } from "./types";

/** A text file: looked at, edited, saved over the version that was read and no other. */
export function TextDialog({ session, path, name, isNew = false, close, changed }: {
    session: string;
    path: string;
    name: string;
    isNew?: boolean;
    close: () => void;
    changed: () => void;
}) {
    const [file, setFile] = useState<FileText | null>(null);
    const [text, setText] = useState("");
    const [version, setVersion] = useState<string | null>(null);
    const [error, setError] = useState<ApiError | null>(null);
    const [busy, setBusy] = useState(false);
    const [theirs, setTheirs] = useState<FileText | null>(null);
    const [atEnd, setAtEnd] = useState(false);
    const [asksToLeave, setAsksToLeave] = useState(false);

    const load = async (end: boolean) => {
        setError(null);
        try {
            const read = await readText(session, path, end);
            setFile(read);
            setText(shownText(read.text ?? ""));
            setVersion(read.version);
            setAtEnd(end);
        } catch (problem) {
            setError(asApiError(problem));
        }
    };
    useEffect(() => {
        if (!isNew) void load(false);
        // The file of a dialog stays the same.
    }, []);

    const original = file ? shownText(file.text ?? "") : "";
    const isEditable = isNew || (!!file && file.text !== null && !file.truncated && file.mayWrite);
    const isDirty = isEditable && (isNew || text !== original);
    const save = async (over: string | null) => {
        setBusy(true);
        setError(null);
        try {
            const saved = await saveText(session, path, storedText(text, file?.text ?? ""), over);
            toast(`${inert(name, 60)} was saved.`, { tone: "good" });
            if (!saved.complete) throw new Error("The text did not arrive as a whole.");
            changed();
            close();
        } catch (problem) {
            const failure = asApiError(problem);
            if (failure.status === 412 || failure.code === "file_exists") {
                setTheirs(await readText(session, path, false).catch(() => null));
            }
            setError(failure);
        }
        setBusy(false);
    };
    const leave = () => (isDirty && text !== "" && !asksToLeave ? setAsksToLeave(true) : close());
    const isConflict = error?.status === 412 || error?.code === "file_exists";
    return (
        <Dialog
            title={inert(name, 120)}
            onClose={leave}
            testid="text-dialog"
            actions={
                <>
                    {file?.truncated && (
                        <Button onClick={() => void load(!atEnd)} data-testid="text-end">
                            {atEnd ? "To the beginning" : "To the end"}
                        </Button>
                    )}
                    {!isNew && (
                        <a className="button plain" href={fileUrl(session, path)} download="">
                            <span className="button-text">Download</span>
                        </a>
                    )}
                    {isEditable && (
                        <Button
                            tone="primary"
                            busy={busy}
                            disabled={!isDirty}
                            onClick={() => void save(isNew ? null : version)}
                            data-testid="text-save"
                        >
                            Save
                        </Button>
                    )}
                </>
            }
        >
            {asksToLeave && (
                <div className="warning-panel" role="alert">
                    <span>What you wrote is not saved.</span>
                    <Button small onClick={() => setAsksToLeave(false)}>Go on</Button>
                    <Button small tone="danger" onClick={close} data-testid="text-discard">Discard it</Button>
                </div>
            )}
            {error && !isConflict && <Problem compact error={error} testid="text-problem" />}
            {isConflict && error && (
                <div className="files-conflict" role="alert" data-testid="text-conflict">
                    <Problem compact error={error} />
                    {theirs?.text != null && (
                        <>
                            <p className="label">As it is at the host now</p>
                            <pre className="files-theirs" tabIndex={0} data-testid="text-theirs">{theirs.text}</pre>
                        </>
                    )}
                    <div className="form-actions">
                        <Button onClick={() => void load(false)} data-testid="text-reload">Take theirs</Button>
                        <Button
                            tone="danger"
                            disabled={!theirs?.version}
                            onClick={() => void save(theirs?.version ?? null)}
                            data-testid="text-overwrite"
                        >
                            Save mine over it
                        </Button>
                    </div>
                </div>
            )}
            {!isNew && !file && !error && <Skeleton rows={4} />}
            {file && file.text === null && (
                <p className="note" data-testid="text-binary">This is no text. Download it to look at it.</p>
            )}
            {file?.truncated && (
                <p className="note">
                    {atEnd ? "The last" : "The first"} 256 KiB of a long file, to be looked at only.
                </p>
            )}
            {(isNew || (file && file.text !== null)) && (
                <textarea
                    className="text-area mono files-text"
                    aria-label={`Text of ${inert(name, 60)}`}
                    value={text}
                    readOnly={!isEditable}
                    spellCheck={false}
                    autoCapitalize="off"
                    autoCorrect="off"
                    data-first-focus=""
                    data-testid="text-area"
                    onChange={(event) => setText(event.target.value)}
                    onKeyDown={(event) => {
                        if (event.key === "s" && (event.ctrlKey || event.metaKey)) {
                            event.preventDefault();
                            if (isDirty && !busy) void save(isNew ? null : version);
                        }
                    }}
                />
            )}
        </Dialog>
    );
}

/** A field knows one kind of line end; what the file has comes back when it is saved. */
const shownText = (text: string) => text.replace(/\r\n/g, "\n");

const storedText = (text: string, before: string) =>
    /\r\n/.test(before) && !/[^\r]\n/.test(before) ? text.replace(/\n/g, "\r\n") : text;
