import { useEffect, useState } from "react";
import { api, type ApiError, asApiError } from "../api/client";
import type { Environment, Host } from "../api/types";
import { go } from "../app/router";
import { load } from "../app/session";
import { useMay, useStore } from "../app/store";
import { Button, Choice, Field } from "../ui/controls";
import { NoPermission, PageHead, Problem, Randomart } from "../ui/display";
import { Icon } from "../ui/Icon";
import { inert } from "../ui/text";
import { CredentialForm } from "./CredentialForm";
import {
    ALIAS_TAKEN,
    aliasProblem,
    credentialOf,
    draft,
    emptyDraft,
    type HostDraft,
    isAliasTaken,
    parseEndpoint,
    portProblem,
    suggestedAlias,
} from "./draft";
import { FirstConnection } from "./FirstConnection";

const steps = ["Details", "Fingerprint", "Tags", "Sign-in"];

interface StepProps {
    value: HostDraft;
    change: (part: Partial<HostDraft>) => void;
    error: ApiError | null;
    isBusy: boolean;
}

export function AddHost() {
    const mayAdd = useMay("host.add");
    const [value, setValue] = useState(draft.get());
    const [isBusy, setBusy] = useState(false);
    const [error, setError] = useState<ApiError | null>(null);
    const [added, setAdded] = useState<{ host: Host; authorizedKeysLine?: string } | null>(null);
    const change = (part: Partial<HostDraft>) =>
        setValue((before) => {
            const next = { ...before, ...part };
            draft.keep(next);
            return next;
        });
    const move = (step: number) => {
        setError(null);
        change({ step });
    };
    const attempt = async (act: () => Promise<void>) => {
        setBusy(true);
        setError(null);
        try {
            await act();
        } catch (problem) {
            setError(asApiError(problem));
        }
        setBusy(false);
    };
    const probe = () =>
        attempt(async () => {
            const found = await api.probe(value.address.trim(), Number(value.port));
            change({ probe: found, isConfirmed: false, step: 1 });
        });
    const save = () =>
        attempt(async () => {
            if (!value.probe) return move(0);
            try {
                const answer = await api.addHost({
                    alias: value.alias.trim(),
                    address: value.address.trim(),
                    port: Number(value.port),
                    username: value.username.trim(),
                    environment: value.environment,
                    purpose: value.purpose.trim(),
                    tags: value.tags,
                    probeId: value.probe.probeId,
                    credential: credentialOf(value),
                });
                draft.clear();
                setAdded(answer);
                void load("hosts");
            } catch (problem) {
                const failure = asApiError(problem);
                // Each problem is shown where it can be mended.
                if (failure.code === "alias_taken" || failure.field === "alias") change({ step: 0 });
                if (failure.code === "probe_expired") change({ step: 0, probe: null, isConfirmed: false });
                if (failure.code === "passphrase_required" || failure.code === "wrong_passphrase") {
                    change({ needsPassphrase: true });
                }
                throw failure;
            }
        });

    if (!mayAdd) return <NoPermission permission="host.add" />;
    if (added) return <FirstConnection host={added.host} authorizedKeysLine={added.authorizedKeysLine} />;
    // What was refused is not what stands there now.
    const changeByHand = (part: Partial<HostDraft>) => {
        setError(null);
        change(part);
    };
    const props = { value, change: changeByHand, error, isBusy };
    return (
        <div className="narrow">
            <PageHead title="Add a host">
                <Button
                    tone="quiet"
                    onClick={() => {
                        draft.clear();
                        setValue(emptyDraft());
                        go("/hosts");
                    }}
                >
                    Cancel
                </Button>
            </PageHead>
            <ol className="wizard-steps" aria-label="Steps" data-testid="wizard-steps">
                {steps.map((name, index) => (
                    <li
                        key={name}
                        aria-current={index === value.step ? "step" : undefined}
                        data-done={index < value.step}
                    >
                        <span>{index < value.step ? <Icon name="check" size={14} /> : index + 1}</span>
                        {name}
                    </li>
                ))}
            </ol>
            <div className="panel wizard">
                {value.step === 0 && <Details {...props} next={() => void probe()} keepProbe={() => move(1)} />}
                {value.step === 1 && <Fingerprint {...props} back={() => move(0)} next={() => move(2)} />}
                {value.step === 2 && <Tags {...props} back={() => move(1)} next={() => move(3)} />}
                {value.step === 3 && (
                    <form
                        className="stack"
                        data-testid="wizard-credential"
                        onSubmit={(event) => {
                            event.preventDefault();
                            void save();
                        }}
                    >
                        <CredentialForm value={value} change={changeByHand} error={error} />
                        {error && !isCredentialError(error) && <Problem compact error={error} testid="wizard-error" />}
                        <WizardButtons
                            back={() => move(2)}
                            label="Add the host"
                            isBusy={isBusy}
                            isReady={isCredentialReady(value)}
                        />
                    </form>
                )}
            </div>
        </div>
    );
}

const isCredentialError = (error: ApiError) =>
    ["passphrase_required", "wrong_passphrase", "not_a_private_key", "malformed_key", "unsupported_key"].includes(
        error.code,
    );

export function isCredentialReady(value: Pick<HostDraft, "credentialKind" | "password" | "privateKey">): boolean {
    if (value.credentialKind === "password") return value.password.length > 0;
    return value.credentialKind === "generated" || value.privateKey.trim().length > 0;
}

function WizardButtons(
    { back, label, isBusy, isReady }: { back?: () => void; label: string; isBusy: boolean; isReady: boolean },
) {
    return (
        <div className="form-actions">
            {back && <Button icon="back" onClick={back} data-testid="wizard-back">Back</Button>}
            <Button tone="primary" type="submit" busy={isBusy} disabled={!isReady} data-testid="wizard-next">
                {label}
            </Button>
        </div>
    );
}

function Details(
    { value, change, error, isBusy, next, keepProbe }: StepProps & { next: () => void; keepProbe: () => void },
) {
    const [wasTried, setTried] = useState(false);
    const hosts = useStore((s) => s.hosts.data);
    useEffect(() => void load("hosts"), []);
    const isTaken = isAliasTaken(value.alias, hosts ?? []);
    const aliasError = error?.code === "alias_taken"
        ? ALIAS_TAKEN
        : error?.at("alias") ?? (wasTried ? aliasProblem(value.alias) ?? (isTaken ? ALIAS_TAKEN : null) : null);
    const portError = wasTried || error?.field === "port" ? portProblem(value.port) : null;
    const isProbed = value.probe?.address === value.address.trim() && value.probe?.port === Number(value.port);
    const takeAddress = (text: string) => {
        const found = parseEndpoint(text);
        const hasParts = found.username !== undefined || found.port !== undefined;
        change({
            address: hasParts ? found.address : text,
            ...(found.username ? { username: found.username } : {}),
            ...(found.port ? { port: found.port } : {}),
            ...(value.alias === "" || value.alias === suggestedAlias(value.address)
                ? { alias: suggestedAlias(found.address) }
                : {}),
        });
    };
    return (
        <form
            className="stack"
            noValidate
            data-testid="wizard-details"
            onSubmit={(event) => {
                event.preventDefault();
                setTried(true);
                change({});
                if (
                    aliasProblem(value.alias) || isTaken || portProblem(value.port) || !value.address.trim() ||
                    !value.username.trim()
                ) return;
                if (isProbed) keepProbe();
                else next();
            }}
        >
            <div className="field-row">
                <Field
                    className="grow"
                    label="Address"
                    required
                    autoFocus
                    autoCapitalize="off"
                    autoCorrect="off"
                    spellCheck={false}
                    inputMode="url"
                    placeholder="web-01.example.net"
                    value={value.address}
                    onChange={(event) => takeAddress(event.target.value)}
                    data-testid="wizard-address"
                    error={wasTried && !value.address.trim()
                        ? "Where is the host?"
                        : error?.field === "address"
                        ? error.message
                        : null}
                    hint="A name or an IP address"
                />
                <Field
                    className="port"
                    label="Port"
                    inputMode="numeric"
                    value={value.port}
                    onChange={(event) => change({ port: event.target.value.trim() })}
                    error={portError}
                    data-testid="wizard-port"
                />
            </div>
            <Field
                label="User on the host"
                required
                autoCapitalize="off"
                autoCorrect="off"
                spellCheck={false}
                placeholder="deploy"
                value={value.username}
                onChange={(event) => change({ username: event.target.value })}
                data-testid="wizard-username"
                error={wasTried && !value.username.trim() ? "Which account do sessions use?" : null}
            />
            <Field
                label="Name"
                required
                autoCapitalize="off"
                autoCorrect="off"
                spellCheck={false}
                placeholder="web-01"
                value={value.alias}
                onChange={(event) => change({ alias: event.target.value })}
                error={aliasError}
                hint="What you and your colleagues call it here"
                data-testid="wizard-alias"
            />
            {error && error.code !== "alias_taken" && !["alias", "address", "port"].includes(error.field ?? "") && (
                <Problem compact error={error} testid="wizard-error" />
            )}
            <WizardButtons
                label={isBusy ? "Reading the fingerprint" : "Read its fingerprint"}
                isBusy={isBusy}
                isReady
            />
        </form>
    );
}

function Fingerprint({ value, change, back, next }: StepProps & { back: () => void; next: () => void }) {
    const probe = value.probe;
    if (!probe) {
        return (
            <div className="stack">
                <p>The fingerprint was read too long ago.</p>
                <Button onClick={back}>Read it again</Button>
            </div>
        );
    }
    return (
        <form
            className="stack"
            data-testid="wizard-fingerprint"
            onSubmit={(event) => {
                event.preventDefault();
                if (value.isConfirmed) next();
            }}
        >
            <p>
                This is the key that <b>{inert(probe.address, 100)}:{probe.port}</b>{" "}
                showed. Compare it with what the host's owner or its console says:{" "}
                <code>ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub</code>.
            </p>
            <div className="key-card">
                <div className="key-facts">
                    <dl className="facts">
                        <dt>SHA256 fingerprint</dt>
                        <dd className="fingerprint" data-testid="wizard-fingerprint-value">
                            {probe.hostKey.fingerprint}
                        </dd>
                        <dt>Algorithm</dt>
                        <dd>{inert(probe.hostKey.algorithm, 60)}</dd>
                        <dt>Reached at</dt>
                        <dd>{inert(probe.resolvedAddress, 80)}</dd>
                        <dt>It says it is</dt>
                        <dd>{inert(probe.serverIdentification, 120)}</dd>
                        {probe.known.length > 0 && (
                            <>
                                <dt>Same key as</dt>
                                <dd>{probe.known.map((known) => inert(known.alias, 40)).join(", ")}</dd>
                            </>
                        )}
                    </dl>
                </div>
                <Randomart text={probe.hostKey.randomart} label={probe.hostKey.fingerprint} />
            </div>
            <label className="check">
                <input
                    type="checkbox"
                    checked={value.isConfirmed}
                    onChange={(event) => change({ isConfirmed: event.target.checked })}
                    data-testid="wizard-confirm"
                />
                <span>
                    I compared it: this is the host that I mean. From now on every connection must show this key.
                </span>
            </label>
            <WizardButtons back={back} label="Trust this key" isBusy={false} isReady={value.isConfirmed} />
        </form>
    );
}

const environmentOptions: { value: Environment; label: string }[] = [
    { value: "production", label: "Production" },
    { value: "staging", label: "Staging" },
    { value: "development", label: "Development" },
    { value: "other", label: "Other" },
];

function Tags({ value, change, back, next }: StepProps & { back: () => void; next: () => void }) {
    return (
        <form
            className="stack"
            data-testid="wizard-tags"
            onSubmit={(event) => {
                event.preventDefault();
                next();
            }}
        >
            <div className="field">
                <span className="label">Environment</span>
                <Choice
                    label="Environment"
                    value={value.environment}
                    options={environmentOptions}
                    onChange={(environment) => change({ environment })}
                    testid="wizard-environment"
                />
                <p className="field-note">Its colour and name stand on every terminal of this host.</p>
            </div>
            <Field
                label="What it is for"
                placeholder="Serves the feed"
                value={value.purpose}
                maxLength={200}
                onChange={(event) => change({ purpose: event.target.value })}
                data-testid="wizard-purpose"
            />
            <TagField tags={value.tags} onChange={(tags) => change({ tags })} />
            <WizardButtons back={back} label="Continue" isBusy={false} isReady />
        </form>
    );
}

export function TagField({ tags, onChange }: { tags: string[]; onChange: (tags: string[]) => void }) {
    const [text, setText] = useState("");
    const add = () => {
        const found = text.split(/[\s,]+/).map((tag) => tag.trim().toLowerCase()).filter((tag) =>
            tag && !tags.includes(tag)
        );
        if (found.length > 0) onChange([...tags, ...found]);
        setText("");
    };
    return (
        <div className="field">
            <label htmlFor="tag-field">Tags</label>
            <div className="tag-field">
                {tags.map((tag) => (
                    <button
                        key={tag}
                        type="button"
                        className="tag removable"
                        aria-label={`Remove the tag ${inert(tag, 40)}`}
                        onClick={() => onChange(tags.filter((other) => other !== tag))}
                    >
                        {inert(tag, 40)}
                        <Icon name="close" size={13} />
                    </button>
                ))}
                <input
                    id="tag-field"
                    value={text}
                    placeholder={tags.length === 0 ? "gpu, web, eu-west" : ""}
                    autoCapitalize="off"
                    autoCorrect="off"
                    data-testid="wizard-tags-input"
                    onChange={(event) => setText(event.target.value)}
                    onBlur={add}
                    onKeyDown={(event) => {
                        if (event.key === "Enter" && text.trim()) {
                            event.preventDefault();
                            add();
                        }
                        if (event.key === "," || (event.key === " " && text.trim())) {
                            event.preventDefault();
                            add();
                        }
                        if (event.key === "Backspace" && text === "") onChange(tags.slice(0, -1));
                    }}
                />
            </div>
            <p className="field-note">Roles can depend on them: ml-ops works on hosts tagged gpu.</p>
        </div>
    );
}
