import { useState } from "react";
import { api, type ApiError, asApiError } from "../api/client";
import { usePolling } from "../app/polling";
import { go } from "../app/router";
import { load } from "../app/session";
import { toast, useStore } from "../app/store";
import { Button, Dialog, Field } from "../ui/controls";
import { Empty, PageHead, Problem, Randomart, Skeleton } from "../ui/display";
import { fullTime, inert } from "../ui/text";

/** The host showed another key than the recorded one: nothing connects until somebody who may has looked. */
export function ChangedKey({ id }: { id: string }) {
    const hosts = useStore((s) => s.hosts);
    const [typed, setTyped] = useState("");
    const [isKeeping, setKeeping] = useState(false);
    const [isBusy, setBusy] = useState(false);
    const [error, setError] = useState<ApiError | null>(null);
    usePolling(() => void load("hosts"), 10_000);
    const host = hosts.data?.find((one) => one.id === id);
    if (!hosts.data) {
        return hosts.error ? <Problem error={hosts.error} retry={() => void load("hosts")} /> : <Skeleton />;
    }
    if (!host) {
        return (
            <Empty
                icon="host"
                title="This host is not there"
                action={<Button onClick={() => go("/hosts")}>To the hosts</Button>}
            />
        );
    }
    const alert = host.keyAlert;
    if (!alert) {
        return (
            <Empty
                icon="check"
                title="The key is the recorded one"
                action={<Button onClick={() => go("/hosts")}>To the hosts</Button>}
            >
                {`Nothing is wrong with the key of ${inert(host.alias, 60)}.`}
            </Empty>
        );
    }
    const mayAccept = host.may?.edit ?? false;
    const judge = async (fingerprint: string, done: string) => {
        setBusy(true);
        setError(null);
        try {
            await api.judgeHostKey(host.id, fingerprint);
            toast(done, { tone: "good" });
            await load("hosts");
            go("/hosts");
        } catch (problem) {
            setError(asApiError(problem));
        }
        setBusy(false);
    };
    const accept = () => judge(alert.offeredFingerprint, `The new key of ${inert(host.alias, 60)} is recorded`);
    const keep = () => judge(host.hostKey.fingerprint, `The recorded key of ${inert(host.alias, 60)} stays`);
    return (
        <div data-testid="changed-key">
            <PageHead
                title={`The host key of ${inert(host.alias, 60)} has changed`}
                note={`Seen ${fullTime(alert.seenAt)}. The connection was stopped before anything was sent.`}
            />
            <p className="danger-panel" role="alert">
                Either the host was set up anew, or something between you and it pretends to be it. Ask whoever runs the
                host, over another way, which of these keys is right.
            </p>
            <div className="key-compare">
                <section className="panel stack">
                    <h2>Recorded</h2>
                    <Randomart text={host.hostKey.randomart} label="the recorded key" />
                    <p className="fingerprint" data-testid="recorded-fingerprint">{host.hostKey.fingerprint}</p>
                    <p className="muted">
                        {inert(host.hostKey.algorithm, 60)} · confirmed {fullTime(host.hostKey.verifiedAt)} by{" "}
                        {inert(host.hostKey.verifiedBy, 60)}
                    </p>
                </section>
                <section className="panel stack offered">
                    <h2>Offered now</h2>
                    <Randomart text={alert.offeredRandomart} label="the offered key" />
                    <p className="fingerprint" data-testid="offered-fingerprint">{alert.offeredFingerprint}</p>
                    <p className="muted">{inert(alert.offeredAlgorithm, 60)}</p>
                </section>
            </div>
            {mayAccept
                ? (
                    <form
                        className="panel stack"
                        onSubmit={(event) => {
                            event.preventDefault();
                            if (typed === host.alias) void accept();
                        }}
                    >
                        <Field
                            label={`To accept the new key, type the host's name: ${inert(host.alias, 60)}`}
                            value={typed}
                            autoComplete="off"
                            autoCapitalize="off"
                            autoCorrect="off"
                            spellCheck={false}
                            onChange={(event) => setTyped(event.target.value)}
                            data-testid="accept-alias"
                        />
                        {error && !isKeeping && <Problem compact error={error} />}
                        <p className="muted">
                            If the offered key is not the host's, keep the recorded one: the alarm ends, and the next
                            connection must show the recorded key again.
                        </p>
                        <div className="form-actions">
                            <Button onClick={() => go("/hosts")}>Leave it stopped</Button>
                            <Button
                                onClick={() => {
                                    setError(null);
                                    setKeeping(true);
                                }}
                                data-testid="keep-key"
                            >
                                Keep the recorded key
                            </Button>
                            <Button
                                tone="danger"
                                type="submit"
                                busy={isBusy}
                                disabled={typed !== host.alias}
                                data-testid="accept-key"
                            >
                                Accept the new key
                            </Button>
                        </div>
                    </form>
                )
                : (
                    <div className="panel stack">
                        <p>
                            Accepting a new key needs the permission{" "}
                            <code>host.edit</code>. Show this page to somebody who has it.
                        </p>
                        <div className="form-actions">
                            <Button onClick={() => go("/hosts")}>To the hosts</Button>
                        </div>
                    </div>
                )}
            {isKeeping && (
                <Dialog
                    title={`Keep the recorded key of ${inert(host.alias, 60)}?`}
                    onClose={() => setKeeping(false)}
                    actions={
                        <>
                            <Button onClick={() => setKeeping(false)}>Cancel</Button>
                            <Button
                                tone="primary"
                                busy={isBusy}
                                onClick={() => void keep()}
                                data-testid="keep-key-confirm"
                            >
                                Keep the recorded key
                            </Button>
                        </>
                    }
                >
                    <p>
                        The alarm ends. The next connection must show the recorded key again; any other key stops it and
                        raises a new alarm.
                    </p>
                    <p className="fingerprint">{host.hostKey.fingerprint}</p>
                    {error && <Problem compact error={error} />}
                </Dialog>
            )}
        </div>
    );
}
