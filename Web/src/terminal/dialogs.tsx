import { useState } from "react";
import { Button, CopyButton, Dialog } from "../ui/controls";
import { inert } from "../ui/text";
import { lineCount } from "./keys";

const PREVIEW = 2_000;

/** Several lines into a program that doesn't bracket pastes run one by one: look before that happens. */
export function PasteDialog(
    { text, alias, terminals, onPaste, onClose }: {
        text: string;
        alias: string;
        /** How many terminals hear it. */
        terminals: number;
        onPaste: () => void;
        onClose: () => void;
    },
) {
    const lines = lineCount(text);
    const what = lines === 1 ? "a line" : `${lines} lines`;
    const where = terminals > 1 ? `${terminals} terminals` : inert(alias, 60);
    return (
        <Dialog
            title={`Paste ${what} into ${where}?`}
            onClose={onClose}
            testid="paste-dialog"
            actions={
                <>
                    <Button onClick={onClose} data-first-focus>Cancel</Button>
                    <Button tone="primary" icon="paste" data-testid="paste-confirm" onClick={onPaste}>
                        Paste
                    </Button>
                </>
            }
        >
            <p className="muted">The program in this terminal takes each line as typed: in a shell, each one runs.</p>
            <pre className="preview">{text.slice(0, PREVIEW)}{text.length > PREVIEW ? `\n… and ${text.length - PREVIEW} characters more` : ""}</pre>
        </Dialog>
    );
}

/** Where the browser doesn't hand out the clipboard, the person pastes into a field that can be seen. */
export function PasteField({ onPaste, onClose }: { onPaste: (text: string) => void; onClose: () => void }) {
    const [text, setText] = useState("");
    return (
        <Dialog
            title="Paste"
            onClose={onClose}
            testid="paste-field"
            actions={
                <Button
                    tone="primary"
                    icon="paste"
                    disabled={!text}
                    onClick={() => onPaste(text)}
                >
                    Send to the terminal
                </Button>
            }
        >
            <textarea
                className="text-area"
                rows={6}
                value={text}
                onChange={(event) => setText(event.target.value)}
                autoFocus
                aria-label="Text to paste"
                placeholder="Hold here and choose Paste"
            />
        </Dialog>
    );
}

/** The terminal's text as text, for the phone's own selection. */
export function SelectSheet({ text, onClose }: { text: { screen: string; all: string }; onClose: () => void }) {
    const [shown, setShown] = useState<"screen" | "all">("screen");
    const content = text[shown];
    return (
        <Dialog
            title="Select and copy"
            onClose={onClose}
            testid="select-sheet"
            actions={
                <>
                    <Button onClick={() => setShown(shown === "screen" ? "all" : "screen")}>
                        {shown === "screen" ? "With scrollback" : "Screen only"}
                    </Button>
                    <CopyButton text={content} label="Copy all" tone="primary" testid="copy-screen" />
                </>
            }
        >
            <pre className="selectable" tabIndex={0}>{content}</pre>
        </Dialog>
    );
}

export function LinkDialog({ uri, onClose }: { uri: string; onClose: () => void }) {
    const isWeb = /^https?:\/\//i.test(uri);
    return (
        <Dialog
            title="Open this link?"
            onClose={onClose}
            testid="link-dialog"
            actions={
                <>
                    <CopyButton text={uri} label="Copy it" />
                    {isWeb && (
                        <Button
                            tone="primary"
                            icon="link"
                            onClick={() => {
                                window.open(uri, "_blank", "noopener,noreferrer");
                                onClose();
                            }}
                        >
                            Open in a new tab
                        </Button>
                    )}
                </>
            }
        >
            <p className="muted">
                {isWeb
                    ? "The host wrote this address; it leads away from the copilot."
                    : "It is not a web address, so it is not opened from here."}
            </p>
            <pre className="preview">{inert(uri, 2_000)}</pre>
        </Dialog>
    );
}

export function EndDialog(
    { alias, onEnd, onClose, busy }: { alias: string; onEnd: () => void; onClose: () => void; busy: boolean },
) {
    return (
        <Dialog
            title={`End the session on ${inert(alias, 60)}?`}
            onClose={onClose}
            testid="end-dialog"
            actions={
                <>
                    <Button onClick={onClose}>Cancel</Button>
                    <Button tone="danger" icon="power" busy={busy} data-testid="end-confirm" onClick={onEnd}>
                        End for everybody
                    </Button>
                </>
            }
        >
            <p>
                The shell and everything that runs in it gets a hang-up. Closing this tab alone leaves the session
                running.
            </p>
        </Dialog>
    );
}
