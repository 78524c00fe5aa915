import { useEffect, useState } from "react";
import { type ApiError, asApiError } from "../api/client";
import type { SeatView } from "../api/types";
import { load } from "../app/session";
import { toast, useStore } from "../app/store";
import { Avatar, Problem, useNow } from "../ui/display";
import { Button, CopyButton, Dialog } from "../ui/controls";
import { inert, span } from "../ui/text";
import { type Handoff, sharing } from "./calls";
import { loadHandoffs, useHandoffs } from "./handoffs";

const waits = [5, 10, 30, 120];

/** Giving the session to whoever is next: with a brief that the server writes, and a note. */
export function HandoffSection({ seat }: { seat: SeatView }) {
    const [isAsking, setAsking] = useState(false);
    const offer = useHandoffs().find((one) => one.sessionId === seat.id && one.state === "open");
    useEffect(() => void loadHandoffs(), []);
    return (
        <section className="drawer-section">
            <h3>Hand over</h3>
            {offer ? <OpenOffer offer={offer} /> : (
                <>
                    <p className="muted">
                        Somebody else answers for this session then and gets the keyboard. They read first what was
                        done here.
                    </p>
                    <Button icon="give" onClick={() => setAsking(true)} data-testid="handoff-open">
                        Give this session to…
                    </Button>
                </>
            )}
            {isAsking && <HandoffDialog seat={seat} onClose={() => setAsking(false)} />}
        </section>
    );
}

function OpenOffer({ offer }: { offer: Handoff }) {
    const now = useNow(5_000);
    const [error, setError] = useState<ApiError | null>(null);
    const withdraw = async () => {
        setError(null);
        try {
            await sharing.decide(offer.id, "withdraw");
            toast("The offer was withdrawn", { tone: "good" });
        } catch (problem) {
            setError(asApiError(problem));
        }
        await loadHandoffs();
    };
    const left = Math.max(0, (new Date(offer.expiresAt).getTime() - now) / 1000);
    return (
        <div className="offer" data-testid="handoff-pending">
            <p>
                Offered to <strong>{inert(offer.to.name, 60)}</strong>, {span(left)} left.
            </p>
            {error && <Problem compact error={error} />}
            <div className="form-actions">
                <CopyButton
                    text={`${window.location.origin}/#/handoffs/${offer.id}`}
                    label="Copy the link for them"
                    testid="handoff-link"
                />
                <Button onClick={() => void withdraw()} data-testid="handoff-withdraw">Withdraw</Button>
            </div>
        </div>
    );
}

function HandoffDialog({ seat, onClose }: { seat: SeatView; onClose: () => void }) {
    const users = useStore((s) => s.users);
    const [query, setQuery] = useState("");
    const [to, setTo] = useState<string | null>(null);
    const [note, setNote] = useState("");
    const [minutes, setMinutes] = useState(10);
    const [isBusy, setBusy] = useState(false);
    const [error, setError] = useState<ApiError | null>(null);
    useEffect(() => void load("users"), []);
    const words = query.trim().toLowerCase();
    const people = (users.data ?? []).filter((user) =>
        !user.disabled && user.id !== seat.owner.id && user.role !== "guest" &&
        `${user.name} ${user.username}`.toLowerCase().includes(words)
    );
    const offer = async () => {
        if (!to) return;
        setBusy(true);
        setError(null);
        try {
            const made = await sharing.handOver(seat.id, to, note, minutes);
            await loadHandoffs();
            toast(`${inert(made.to.name, 40)} is asked to take the session over`, { tone: "good" });
            onClose();
        } catch (problem) {
            setError(asApiError(problem));
        }
        setBusy(false);
    };
    return (
        <Dialog
            title={`Give ${inert(seat.host.alias, 40)} to…`}
            onClose={onClose}
            testid="handoff-dialog"
            actions={
                <>
                    <Button onClick={onClose}>Cancel</Button>
                    <Button
                        tone="primary"
                        icon="give"
                        disabled={!to}
                        busy={isBusy}
                        onClick={() => void offer()}
                        data-testid="handoff-offer"
                    >
                        Offer
                    </Button>
                </>
            }
        >
            <div className="stack">
                <input
                    type="search"
                    className="search-input"
                    placeholder="Name"
                    aria-label="Find a person"
                    data-first-focus=""
                    value={query}
                    onChange={(event) => setQuery(event.target.value)}
                    data-testid="handoff-search"
                />
                {users.error && !users.data && <Problem compact error={users.error} retry={() => void load("users")} />}
                {users.data && people.length === 0 && <p className="muted">Nobody of that name can take it.</p>}
                <div className="handoff-people" role="radiogroup" aria-label="Who takes it">
                    {people.slice(0, 20).map((user) => (
                        <button
                            key={user.id}
                            type="button"
                            role="radio"
                            aria-checked={to === user.id}
                            className="person choice-row"
                            data-testid={`handoff-to-${user.username}`}
                            onClick={() => setTo(user.id)}
                        >
                            <Avatar id={user.id} name={user.name} size={32} />
                            <span className="person-words">
                                <strong>{inert(user.name, 60)}</strong>
                                <span className="muted">{inert(user.username, 40)} · {inert(user.role, 24)}</span>
                            </span>
                        </button>
                    ))}
                </div>
                <label className="field">
                    <span>What they should know</span>
                    <textarea
                        rows={3}
                        maxLength={1000}
                        value={note}
                        data-testid="handoff-note"
                        onChange={(event) => setNote(event.target.value)}
                    />
                </label>
                <label className="field">
                    <span>Time to answer</span>
                    <select value={minutes} onChange={(event) => setMinutes(Number(event.target.value))}>
                        {waits.map((one) => <option key={one} value={one}>{span(one * 60)}</option>)}
                    </select>
                </label>
                <p className="muted">
                    They get the commands that were run, the screen as it is, the chat and the files that were moved.
                </p>
                {error && <Problem compact error={error} testid="handoff-problem" />}
            </div>
        </Dialog>
    );
}
