import { useEffect, useState } from "react";
import { api, type ApiError, asApiError } from "../api/client";
import type { Host, HostTest } from "../api/types";
import { go } from "../app/router";
import { connect, type ConnectProblem } from "../app/session";
import { Button, CopyButton } from "../ui/controls";
import { PageHead, Problem, Skeleton } from "../ui/display";
import { Icon } from "../ui/Icon";
import { inert } from "../ui/text";
import { ConnectFailed } from "./Hosts";

const stepNames = {
    resolve: "Name found",
    connect: "Reached",
    host_key: "Host key matches",
    authenticate: "Signed in",
};

/** The host is stored: shows the line for a generated key, tests the way to the shell, and opens it. */
export function FirstConnection({ host, authorizedKeysLine }: { host: Host; authorizedKeysLine?: string }) {
    const [isBusy, setBusy] = useState(false);
    const [problem, setProblem] = useState<ConnectProblem | null>(null);
    const start = async () => {
        setBusy(true);
        setProblem(await connect(host));
        setBusy(false);
    };
    return (
        <div className="narrow" data-testid="host-added">
            <PageHead title={`${inert(host.alias, 60)} is added`} note="One thing left: see that it works." />
            {authorizedKeysLine && <AuthorizedKeysLine host={host} line={authorizedKeysLine} />}
            <HostTestPanel host={host} runsAtOnce={!authorizedKeysLine} />
            <div className="form-actions">
                <Button onClick={() => go("/hosts")}>To the hosts</Button>
                <Button
                    tone="primary"
                    icon="terminal"
                    busy={isBusy}
                    onClick={() => void start()}
                    data-testid="connect-now"
                >
                    Connect now
                </Button>
            </div>
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

export function AuthorizedKeysLine({ host, line }: { host: Host; line: string }) {
    return (
        <section className="panel stack">
            <h2>Let the key in</h2>
            <p>
                Add this line to <code>~{inert(host.username, 40)}/.ssh/authorized_keys</code> on the host:
            </p>
            <pre className="preview" data-testid="authorized-keys-line">{line}</pre>
            <div>
                <CopyButton text={line} label="Copy the line" tone="primary" />
            </div>
        </section>
    );
}

export function HostTestPanel({ host, runsAtOnce }: { host: Host; runsAtOnce: boolean }) {
    const [result, setResult] = useState<HostTest | null>(null);
    const [error, setError] = useState<ApiError | null>(null);
    const [isBusy, setBusy] = useState(false);
    const run = async () => {
        setBusy(true);
        setError(null);
        setResult(null);
        try {
            setResult(await api.testHost(host.id));
        } catch (problem) {
            setError(asApiError(problem));
        }
        setBusy(false);
    };
    useEffect(() => {
        if (runsAtOnce) void run();
    }, [host.id, runsAtOnce]);
    return (
        <section className="panel stack" data-testid="host-test">
            <div className="panel-head">
                <h2>Connection</h2>
                <Button small icon="refresh" busy={isBusy} onClick={() => void run()} data-testid="host-test-run">
                    {result ? "Test again" : "Test"}
                </Button>
            </div>
            {isBusy && <Skeleton rows={2} />}
            {error && <Problem compact error={error} />}
            {result && (
                <ol className="test-steps" data-ok={result.ok}>
                    {result.steps.map((step) => (
                        <li key={step.step} data-ok={step.ok}>
                            <Icon name={step.ok ? "check" : "close"} size={16} />
                            <div>
                                <strong>{step.ok ? stepNames[step.step] : `${stepNames[step.step]}: no`}</strong>
                                <span>{inert(step.detail, 300)}</span>
                                {step.hint && <span className="muted">{inert(step.hint, 300)}</span>}
                            </div>
                        </li>
                    ))}
                    {result.ok && <li className="muted test-time">All good in {result.milliseconds} ms</li>}
                </ol>
            )}
            {!result && !error && !isBusy && (
                <p className="muted">Finds the host, compares its key and signs in, without opening a shell.</p>
            )}
        </section>
    );
}
