import { useState } from "react";
import { type ApiError, asApiError } from "../api/client";
import type { SeatView } from "../api/types";
import { toast, useStore } from "../app/store";
import { Problem } from "../ui/display";
import { Button, Dialog } from "../ui/controls";
import { inert } from "../ui/text";
import { sharing } from "./calls";

/** From one clipboard to another: offered here, taken by a tap there. The server keeps nothing of it. */
export function ClipboardSection({ seat }: { seat: SeatView }) {
    const [text, setText] = useState<string | null>(null);
    const start = async () => {
        // Within the tap, which is when browsers allow it; without permission the person pastes into the field.
        setText(await navigator.clipboard?.readText().catch(() => "") ?? "");
    };
    return (
        <section className="drawer-section">
            <h3>Clipboard</h3>
            <p className="muted">Offer what you copied to the others here, or to your own other devices.</p>
            <Button icon="paste" onClick={() => void start()} data-testid="clipboard-open">Share my clipboard…</Button>
            {text !== null && <ClipboardDialog seat={seat} start={text} onClose={() => setText(null)} />}
        </section>
    );
}

function ClipboardDialog({ seat, start, onClose }: { seat: SeatView; start: string; onClose: () => void }) {
    const me = useStore((s) => s.me?.user.id);
    const [text, setText] = useState(start);
    const [to, setTo] = useState("devices");
    const [isBusy, setBusy] = useState(false);
    const [error, setError] = useState<ApiError | null>(null);
    const others = seat.seats.filter((one, index) =>
        one.connected && one.userId !== me && !one.userId.startsWith("guest:") &&
        seat.seats.findIndex((other) => other.userId === one.userId && other.connected) === index
    );
    const offer = async () => {
        setBusy(true);
        setError(null);
        try {
            const devices = await sharing.offerClipboard(seat.id, text, to, seat.you.seatId);
            toast(
                devices === 0 ? "No other device has a session open" : "Offered: it waits for a tap there",
                { tone: devices === 0 ? "info" : "good" },
            );
            onClose();
        } catch (problem) {
            setError(asApiError(problem));
        }
        setBusy(false);
    };
    return (
        <Dialog
            title="Share my clipboard"
            onClose={onClose}
            testid="clipboard-dialog"
            actions={
                <>
                    <Button onClick={onClose}>Cancel</Button>
                    <Button
                        tone="primary"
                        busy={isBusy}
                        disabled={text === ""}
                        onClick={() => void offer()}
                        data-testid="clipboard-offer"
                    >
                        Offer
                    </Button>
                </>
            }
        >
            <div className="stack">
                <label className="field">
                    <span>Text</span>
                    <textarea
                        rows={5}
                        value={text}
                        placeholder="Paste here"
                        data-testid="clipboard-text"
                        onChange={(event) => setText(event.target.value)}
                    />
                </label>
                <label className="field">
                    <span>To</span>
                    <select value={to} onChange={(event) => setTo(event.target.value)} data-testid="clipboard-to">
                        <option value="devices">My other devices</option>
                        {others.length > 0 && <option value="everybody">Everybody here with an account</option>}
                        {others.map((one) => (
                            <option key={one.userId} value={one.userId}>{inert(one.name, 40)}</option>
                        ))}
                    </select>
                </label>
                {error && <Problem compact error={error} testid="clipboard-problem" />}
            </div>
        </Dialog>
    );
}
