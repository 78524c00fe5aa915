import { type FormEvent, useState } from "react";
import { api, type ApiError, asApiError } from "../api/client";
import type { Recording, RecordingVerification } from "../api/types";
import { go } from "../app/router";
import { toast, toastError, useMay } from "../app/store";
import { Button, Dialog, Field, Menu, type MenuItem } from "../ui/controls";
import { Problem } from "../ui/display";
import { Icon } from "../ui/Icon";
import { fullTime, inert } from "../ui/text";

/** How long a recording is kept, in words. */
export function keptWords(recording: Recording): string {
    if (recording.hold) return "held";
    if (recording.state === "recording") return "being recorded";
    return recording.expiresAt ? `kept until ${fullTime(recording.expiresAt).split(",")[0]}` : "kept for ever";
}

/** Checking, holding and deleting: what the owner of the evidence does with it. */
export function Keeping({ recording, changed }: { recording: Recording; changed: (now: Recording) => void }) {
    const mayHold = useMay("recording.hold");
    const mayDelete = useMay("recording.delete");
    const [open, setOpen] = useState<"hold" | "delete" | null>(null);
    const [found, setFound] = useState<RecordingVerification | null>(null);
    const [isChecking, setChecking] = useState(false);
    const verify = async () => {
        setChecking(true);
        try {
            setFound(await api.verifyRecording(recording.id));
        } catch (problem) {
            toastError(asApiError(problem));
        }
        setChecking(false);
    };
    const release = async () => {
        try {
            const now = await api.releaseRecording(recording.id);
            changed({ ...recording, hold: now.hold, expiresAt: now.expiresAt });
            toast("The hold is lifted", { tone: "good" });
        } catch (problem) {
            toastError(asApiError(problem));
        }
    };
    const items: MenuItem[] = [
        { label: "Check that it is whole", icon: "fingerprint", run: () => void verify(), testid: "recording-verify" },
    ];
    if (mayHold) {
        items.push(
            recording.hold
                ? { label: "Lift the hold", icon: "lock", run: () => void release(), testid: "recording-release" }
                : { label: "Place a legal hold", icon: "lock", run: () => setOpen("hold"), testid: "recording-hold" },
        );
    }
    if (mayDelete && recording.state !== "recording") {
        items.push({
            label: "Delete for ever",
            icon: "trash",
            danger: true,
            disabled: recording.hold != null,
            run: () => setOpen("delete"),
            testid: "recording-delete",
        });
    }
    return (
        <>
            {isChecking && <span className="spinner" role="status" aria-label="Checking the recording" />}
            <Menu label="More about this recording" items={items} testid="recording-menu" />
            {open === "hold" && <HoldDialog recording={recording} changed={changed} close={() => setOpen(null)} />}
            {open === "delete" && <DeleteDialog recording={recording} close={() => setOpen(null)} />}
            {found && (
                <Dialog
                    title={found.ok ? "Whole" : "Not as it was written"}
                    onClose={() => setFound(null)}
                    testid="verify-dialog"
                    actions={<Button tone="primary" onClick={() => setFound(null)}>Close</Button>}
                >
                    {found.problem
                        ? (
                            <div className="problem" role="alert">
                                <Icon name="alert" />
                                <div>
                                    <p className="problem-text">{inert(found.problem.sentence, 400)}</p>
                                    <p className="problem-hint">{inert(found.problem.hint, 400)}</p>
                                </div>
                            </div>
                        )
                        : (
                            <p>
                                {found.chunks === 1 ? "Its one chunk is" : `All ${found.chunks} chunks are`}{" "}
                                as they were written{found.state === "truncated"
                                    ? ". Its end is missing because the copilot stopped while it recorded."
                                    : ", and none is missing."}
                            </p>
                        )}
                    {found.head && <p className="muted hash">SHA-256 of the last chunk: <code>{found.head}</code></p>}
                </Dialog>
            )}
        </>
    );
}

function HoldDialog({ recording, changed, close }: {
    recording: Recording;
    changed: (now: Recording) => void;
    close: () => void;
}) {
    const [reason, setReason] = useState("");
    const [error, setError] = useState<ApiError | null>(null);
    const [isBusy, setBusy] = useState(false);
    const submit = async (event: FormEvent) => {
        event.preventDefault();
        setBusy(true);
        try {
            const now = await api.holdRecording(recording.id, reason);
            changed({ ...recording, hold: now.hold, expiresAt: now.expiresAt });
            toast("The recording is held", { tone: "good" });
            close();
        } catch (problem) {
            setError(asApiError(problem));
            setBusy(false);
        }
    };
    return (
        <Dialog title="Place a legal hold" onClose={close} testid="hold-dialog">
            <form onSubmit={(event) => void submit(event)} className="hold-form">
                <p className="muted">Until the hold is lifted nobody can delete this recording, and no rule does.</p>
                {error && <Problem compact error={error} />}
                <Field
                    label="Why"
                    value={reason}
                    maxLength={500}
                    required
                    data-first-focus
                    placeholder="INC-12345"
                    onChange={(event) => setReason(event.target.value)}
                    data-testid="hold-reason"
                />
                <div className="form-actions">
                    <Button onClick={close}>Cancel</Button>
                    <Button tone="primary" type="submit" busy={isBusy} disabled={!reason.trim()} data-testid="hold-submit">
                        Hold it
                    </Button>
                </div>
            </form>
        </Dialog>
    );
}

function DeleteDialog({ recording, close }: { recording: Recording; close: () => void }) {
    const [error, setError] = useState<ApiError | null>(null);
    const [isBusy, setBusy] = useState(false);
    const remove = async () => {
        setBusy(true);
        try {
            await api.deleteRecording(recording.id);
            toast("The recording is deleted");
            go("/recordings");
        } catch (problem) {
            setError(asApiError(problem));
            setBusy(false);
        }
    };
    return (
        <Dialog
            title="Delete this recording for ever?"
            onClose={close}
            testid="delete-dialog"
            actions={
                <>
                    <Button onClick={close} data-first-focus>Keep it</Button>
                    <Button
                        tone="danger"
                        icon="trash"
                        busy={isBusy}
                        onClick={() => void remove()}
                        data-testid="delete-confirm"
                    >
                        Delete for ever
                    </Button>
                </>
            }
        >
            {error && <Problem compact error={error} />}
            <p>
                Its key is destroyed, so that no copy of the file in any backup can be read again. The audit log keeps
                that there was a session on {inert(recording.host.alias, 60)} and who deleted its recording.
            </p>
        </Dialog>
    );
}
