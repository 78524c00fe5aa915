import { useEffect, useState } from "react";
import { type ApiError, asApiError } from "../api/client";
import { Button, Dialog, Field } from "../ui/controls";
import { Problem } from "../ui/display";
import { ago, inert } from "../ui/text";
import { canUsePasskeys, type Passkey, passkeys } from "./passkey";

/** One's own passkeys: with one, nothing about an agent is decided without a touch of it. */
export function Passkeys() {
    const [list, setList] = useState<Passkey[]>([]);
    const [error, setError] = useState<ApiError | null>(null);
    const [name, setName] = useState<string | null>(null);
    const [busy, setBusy] = useState(false);
    const attempt = async (act: () => Promise<unknown>) => {
        setBusy(true);
        try {
            await act();
            setList(await passkeys.list());
            setError(null);
        } catch (problem) {
            setError(asApiError(problem));
        } finally {
            setBusy(false);
        }
    };
    useEffect(() => void attempt(async () => undefined), []);
    return (
        <section className="stack" aria-label="Your passkeys">
            <h2 className="section-title">How you decide</h2>
            <p className="muted">
                {list.length > 0
                    ? "You let agents in, and allow what they ask, with your passkey: a sign-in alone is not enough."
                    : "With a passkey nobody decides in your name, not even a program that runs under your account and has your sign-in."}
            </p>
            {error && name === null && <Problem compact error={error} />}
            {list.length > 0 && (
                <ul className="panel past-requests">
                    {list.map((one) => (
                        <li key={one.id} data-testid="passkey">
                            <b>{inert(one.name, 60)}</b>
                            <span className="muted">
                                for {inert(one.place, 60)} · last used {one.lastUsedAt ? ago(one.lastUsedAt) : "never"}
                            </span>
                            <Button
                                small
                                busy={busy}
                                data-testid="passkey-remove"
                                onClick={() => void attempt(() => passkeys.remove(one.id))}
                            >
                                Remove
                            </Button>
                        </li>
                    ))}
                </ul>
            )}
            {canUsePasskeys()
                ? (
                    <div>
                        <Button icon="plus" onClick={() => setName("")} data-testid="passkey-add">Make a passkey</Button>
                    </div>
                )
                : <p className="muted">This browser makes passkeys only over TLS or on localhost.</p>}
            {name !== null && (
                <Dialog
                    title="A passkey for decisions"
                    onClose={() => setName(null)}
                    testid="passkey-dialog"
                    actions={
                        <Button
                            tone="primary"
                            busy={busy}
                            disabled={!name.trim()}
                            data-testid="passkey-make"
                            onClick={() =>
                                void attempt(async () => {
                                    await passkeys.add(name);
                                    setName(null);
                                })}
                        >
                            Make it
                        </Button>
                    }
                >
                    <Field
                        label="Name"
                        value={name}
                        hint="Where it is, such as this laptop, or the key on my key ring."
                        data-testid="passkey-name"
                        data-first-focus
                        onChange={(event) => setName(event.target.value)}
                    />
                    <p className="muted">
                        From then on every decision about agents takes it. Should it get lost: copilot user reset-passkeys NAME.
                    </p>
                    {error && <Problem compact error={error} />}
                </Dialog>
            )}
        </section>
    );
}
