import { useEffect, useState } from "react";
import { api, type ApiError, asApiError } from "../api/client";
import type { Environment, Host } from "../api/types";
import { usePolling } from "../app/polling";
import { go } from "../app/router";
import { connect, type ConnectProblem, load } from "../app/session";
import { toast, useStore } from "../app/store";
import { Button, Choice, CopyButton, Dialog, Field } from "../ui/controls";
import { Empty, EnvironmentLabel, PageHead, Problem, Randomart, Skeleton } from "../ui/display";
import { ago, fullTime, inert } from "../ui/text";
import { isCredentialReady, TagField } from "./AddHost";
import { CredentialForm } from "./CredentialForm";
import { ALIAS_TAKEN, credentialOf, emptyDraft } from "./draft";
import { AuthorizedKeysLine, HostTestPanel } from "./FirstConnection";
import { ConnectFailed } from "./Hosts";

type Asking = "edit" | "credential" | "remove" | null;

export function HostPage({ id }: { id: string }) {
    const hosts = useStore((s) => s.hosts);
    const [asking, setAsking] = useState<Asking>(null);
    const [isBusy, setBusy] = useState(false);
    const [problem, setProblem] = useState<ConnectProblem | null>(null);
    const [newLine, setNewLine] = useState<string | null>(null);
    usePolling(() => void load("hosts"), 10_000);
    const host = hosts.data?.find((one) => one.id === id);
    const [replacements, setReplacements] = useState(0);
    const line = useKeyLine(host, replacements);
    if (!hosts.data) {
        return hosts.error ? <Problem error={hosts.error} retry={() => void load("hosts")} /> : <Skeleton />;
    }
    if (!host) {
        return (
            <Empty
                icon="host"
                title="This host is not there"
                action={<Button onClick={() => go("/hosts")}>To the hosts</Button>}
            >
                It was removed, or you may not see it.
            </Empty>
        );
    }
    if (!host.hostKey) {
        return (
            <Empty icon="offline" title={inert(host.alias, 60)}>
                Its details are not kept on this device. They are back with the link.
            </Empty>
        );
    }
    const mayEdit = host.may?.edit ?? false;
    const start = async () => {
        setBusy(true);
        setProblem(await connect(host));
        setBusy(false);
    };
    return (
        <div data-testid="host-page">
            <PageHead
                title={inert(host.alias, 80)}
                note={
                    <>
                        <EnvironmentLabel environment={host.environment} /> {inert(host.purpose, 120)}
                    </>
                }
            >
                {host.keyAlert
                    ? (
                        <Button
                            tone="danger"
                            icon="alert"
                            onClick={() => go(`/hosts/${encodeURIComponent(host.id)}/key`)}
                        >
                            Key changed
                        </Button>
                    )
                    : (
                        <Button
                            tone="primary"
                            icon="terminal"
                            busy={isBusy}
                            disabled={!host.may?.connect}
                            onClick={() => void start()}
                            data-testid="host-page-connect"
                        >
                            Connect
                        </Button>
                    )}
            </PageHead>
            <div className="columns">
                <section className="panel stack">
                    <div className="panel-head">
                        <h2>Details</h2>
                        {mayEdit && (
                            <Button small icon="edit" onClick={() => setAsking("edit")} data-testid="host-edit">
                                Edit
                            </Button>
                        )}
                    </div>
                    <dl className="facts">
                        <dt>Address</dt>
                        <dd className="mono">{inert(host.address, 120)}:{host.port}</dd>
                        <dt>User</dt>
                        <dd className="mono">{inert(host.username, 80)}</dd>
                        <dt>Tags</dt>
                        <dd>
                            {host.tags.length > 0
                                ? host.tags.map((tag) => <span key={tag} className="tag">{inert(tag, 40)}</span>)
                                : <span className="muted">none</span>}
                        </dd>
                        <dt>Last used</dt>
                        <dd>{host.lastUsedAt ? `${ago(host.lastUsedAt)}, ${fullTime(host.lastUsedAt)}` : "not yet"}</dd>
                    </dl>
                    <div className="panel-head">
                        <h2>Sign-in</h2>
                        {mayEdit && (
                            <Button
                                small
                                icon="key"
                                onClick={() => setAsking("credential")}
                                data-testid="credential-replace"
                            >
                                Replace
                            </Button>
                        )}
                    </div>
                    <p>{credentialWords(host)}</p>
                    {line && !newLine && (
                        <>
                            <p>
                                Its line for <code>~{inert(host.username, 40)}/.ssh/authorized_keys</code> on the host:
                            </p>
                            <pre className="preview" data-testid="authorized-keys-line">{line}</pre>
                            <div>
                                <CopyButton text={line} label="Copy the line" />
                            </div>
                        </>
                    )}
                </section>
                <section className="panel stack">
                    <h2>Host key</h2>
                    <div className="key-card">
                        <dl className="facts">
                            <dt>SHA256 fingerprint</dt>
                            <dd className="fingerprint">{host.hostKey.fingerprint}</dd>
                            <dt>Algorithm</dt>
                            <dd>{inert(host.hostKey.algorithm, 60)}</dd>
                            <dt>Confirmed</dt>
                            <dd>{fullTime(host.hostKey.verifiedAt)} by {inert(host.hostKey.verifiedBy, 60)}</dd>
                        </dl>
                        <Randomart text={host.hostKey.randomart} label={host.hostKey.fingerprint} />
                    </div>
                </section>
            </div>
            {newLine && <AuthorizedKeysLine host={host} line={newLine} />}
            {/* What a test found out holds for the credential that it was made with. */}
            <HostTestPanel
                key={`${host.credential.fingerprint ?? ""} ${replacements}`}
                host={host}
                runsAtOnce={false}
            />
            {mayEdit && (
                <div className="form-actions">
                    <Button tone="caution" icon="trash" onClick={() => setAsking("remove")} data-testid="host-remove">
                        Remove this host
                    </Button>
                </div>
            )}
            {asking === "edit" && <EditDialog host={host} onClose={() => setAsking(null)} />}
            {asking === "credential" && (
                <CredentialDialog
                    host={host}
                    onClose={() => setAsking(null)}
                    onReplaced={(line) => {
                        setNewLine(line);
                        setReplacements((count) => count + 1);
                    }}
                />
            )}
            {asking === "remove" && <RemoveDialog host={host} onClose={() => setAsking(null)} />}
            {problem && (
                <ConnectFailed
                    problem={problem}
                    onClose={() => setProblem(null)}
                    retry={() => {
                        setProblem(null);
                        void start();
                    }}
                />
            )}
        </div>
    );
}

/** The public line of the host's key; nothing for a password, or for those who may not change the host. */
function useKeyLine(host: Host | undefined, replacements: number): string | null {
    const [line, setLine] = useState<string | null>(null);
    const id = host?.credential?.kind === "key" && host.may?.edit ? host.id : null;
    const fingerprint = host?.credential?.fingerprint;
    useEffect(() => {
        let isWanted = true;
        setLine(null);
        if (id) {
            api.host(id).then(
                (answer) => isWanted && setLine(answer.authorizedKeysLine ?? null),
                () => undefined,
            );
        }
        return () => void (isWanted = false);
    }, [id, fingerprint, replacements]);
    return line;
}

function credentialWords(host: Host) {
    if (host.credential.kind === "password") return "With a password from the vault.";
    if (host.credential.kind === "none") return "There is no credential yet.";
    return (
        <>
            With a key from the vault: <span className="fingerprint">{host.credential.fingerprint ?? ""}</span>
        </>
    );
}

const environments: { value: Environment; label: string }[] = [
    { value: "production", label: "Production" },
    { value: "staging", label: "Staging" },
    { value: "development", label: "Development" },
    { value: "other", label: "Other" },
];

function useAttempt(): [boolean, ApiError | null, (act: () => Promise<void>) => Promise<void>] {
    const [isBusy, setBusy] = useState(false);
    const [error, setError] = useState<ApiError | null>(null);
    const attempt = async (act: () => Promise<void>) => {
        setBusy(true);
        setError(null);
        try {
            await act();
            void load("hosts");
        } catch (problem) {
            setError(asApiError(problem));
        }
        setBusy(false);
    };
    return [isBusy, error, attempt];
}

function EditDialog({ host, onClose }: { host: Host; onClose: () => void }) {
    const [alias, setAlias] = useState(host.alias);
    const [username, setUsername] = useState(host.username);
    const [environment, setEnvironment] = useState(host.environment);
    const [purpose, setPurpose] = useState(host.purpose);
    const [tags, setTags] = useState(host.tags);
    const [isBusy, error, attempt] = useAttempt();
    const save = () =>
        attempt(async () => {
            await api.updateHost(host.id, {
                alias: alias.trim(),
                username: username.trim(),
                environment,
                purpose: purpose.trim(),
                tags,
            });
            onClose();
        });
    return (
        <Dialog
            title={`Edit ${inert(host.alias, 60)}`}
            onClose={onClose}
            actions={
                <>
                    <Button onClick={onClose}>Cancel</Button>
                    <Button
                        tone="primary"
                        busy={isBusy}
                        onClick={() => void save()}
                        data-testid="host-save"
                    >
                        Save
                    </Button>
                </>
            }
        >
            <div className="stack">
                <Field
                    label="Name"
                    value={alias}
                    onChange={(event) => setAlias(event.target.value)}
                    error={error?.code === "alias_taken" ? ALIAS_TAKEN : error?.at("alias")}
                />
                <Field
                    label="User on the host"
                    value={username}
                    onChange={(event) => setUsername(event.target.value)}
                />
                <div className="field">
                    <span className="label">Environment</span>
                    <Choice label="Environment" value={environment} options={environments} onChange={setEnvironment} />
                </div>
                <Field label="What it is for" value={purpose} onChange={(event) => setPurpose(event.target.value)} />
                <TagField tags={tags} onChange={setTags} />
                {error && error.code !== "alias_taken" && error.field !== "alias" && <Problem compact error={error} />}
                <p className="muted small">
                    Address and port belong to the confirmed key: for another machine, add another host.
                </p>
            </div>
        </Dialog>
    );
}

function CredentialDialog(
    { host, onClose, onReplaced }: { host: Host; onClose: () => void; onReplaced: (line: string | null) => void },
) {
    const [value, setValue] = useState({ ...emptyDraft(), username: host.username, alias: host.alias });
    const [isBusy, error, attempt] = useAttempt();
    const save = () =>
        attempt(async () => {
            try {
                const { authorizedKeysLine } = await api.updateHost(host.id, { credential: credentialOf(value) });
                onReplaced(authorizedKeysLine ?? null);
                toast("The credential is in the vault", { tone: "good" });
                onClose();
            } catch (problem) {
                if (["passphrase_required", "wrong_passphrase"].includes(asApiError(problem).code)) {
                    setValue((before) => ({ ...before, needsPassphrase: true }));
                }
                throw problem;
            }
        });
    return (
        <Dialog
            title="Replace the sign-in"
            onClose={onClose}
            actions={
                <>
                    <Button onClick={onClose}>Cancel</Button>
                    <Button
                        tone="primary"
                        busy={isBusy}
                        disabled={!isCredentialReady(value)}
                        onClick={() => void save()}
                        data-testid="credential-save"
                    >
                        Replace
                    </Button>
                </>
            }
        >
            <div className="stack">
                <CredentialForm
                    value={value}
                    change={(part) => setValue((before) => ({ ...before, ...part }))}
                    error={error}
                />
                {error && <Problem compact error={error} />}
            </div>
        </Dialog>
    );
}

function RemoveDialog({ host, onClose }: { host: Host; onClose: () => void }) {
    const [isBusy, error, attempt] = useAttempt();
    const remove = () =>
        attempt(async () => {
            await api.removeHost(host.id);
            go("/hosts");
        });
    return (
        <Dialog
            title={`Remove ${inert(host.alias, 60)}?`}
            onClose={onClose}
            actions={
                <>
                    <Button onClick={onClose}>Cancel</Button>
                    <Button
                        tone="danger"
                        icon="trash"
                        busy={isBusy}
                        onClick={() => void remove()}
                        data-testid="host-remove-confirm"
                    >
                        Remove
                    </Button>
                </>
            }
        >
            <p>Its credential leaves the vault. Recordings and the audit log stay.</p>
            {error && <Problem compact error={error} />}
        </Dialog>
    );
}
