import { useEffect, useState } from "react";
import { type ApiError, asApiError } from "../api/client";
import { Button, CopyButton, Dialog, Field } from "../ui/controls";
import { Problem } from "../ui/display";
import { ago, inert } from "../ui/text";
import { type AgentToken, agents } from "./api";

/** The agents that may ask at all: each has a token, which is shown once. */
export function Tokens() {
    const [list, setList] = useState<AgentToken[]>([]);
    const [error, setError] = useState<ApiError | null>(null);
    const [name, setName] = useState<string | null>(null);
    const [made, setMade] = useState<{ name: string; token: string } | null>(null);
    const [revoking, setRevoking] = useState<AgentToken | null>(null);
    const attempt = async (act: () => Promise<unknown>) => {
        try {
            await act();
            setList(await agents.tokens());
            setError(null);
        } catch (problem) {
            setError(asApiError(problem));
        }
    };
    useEffect(() => void attempt(async () => undefined), []);
    const good = list.filter((one) => !one.revokedAt);
    return (
        <section className="stack" aria-label="Tokens of agents">
            <h2 className="section-title">Who may ask</h2>
            {error && <Problem compact error={error} />}
            <ul className="panel past-requests">
                {good.map((one) => (
                    <li key={one.id} data-testid="agent-token" data-agent={one.name}>
                        <b>{inert(one.name, 60)}</b>
                        <span className="muted">
                            last used {one.lastUsedAt ? ago(one.lastUsedAt) : "never"} · made by {inert(one.owner.name, 40)}
                        </span>
                        <Button small onClick={() => setRevoking(one)} data-testid="token-revoke">Revoke</Button>
                    </li>
                ))}
                {good.length === 0 && <li className="muted">No agent has a token yet.</li>}
            </ul>
            <div>
                <Button icon="plus" onClick={() => setName("")} data-testid="token-add">Make a token</Button>
            </div>
            {name !== null && (
                <Dialog
                    title="A token for an agent"
                    onClose={() => setName(null)}
                    testid="token-dialog"
                    actions={
                        <Button
                            tone="primary"
                            disabled={!name.trim()}
                            data-testid="token-make"
                            onClick={() =>
                                void attempt(async () => {
                                    const { agent, token } = await agents.addToken(name);
                                    setName(null);
                                    setMade({ name: agent.name, token });
                                })}
                        >
                            Make it
                        </Button>
                    }
                >
                    <Field
                        label="Name"
                        value={name}
                        hint="As you will see it in requests and recordings, such as claude."
                        data-testid="token-name"
                        data-first-focus
                        onChange={(event) => setName(event.target.value)}
                    />
                    {error && <Problem compact error={error} />}
                </Dialog>
            )}
            {made && (
                <Dialog title={`The token of ${inert(made.name, 40)}`} onClose={() => setMade(null)} testid="token-made">
                    <p>It is shown this once. Give it to the agent as an environment variable, not as an argument.</p>
                    <pre className="verbatim" data-testid="token-value">COPILOT_AGENT_TOKEN={made.token}</pre>
                    <CopyButton text={`COPILOT_AGENT_TOKEN=${made.token}`} tone="primary" />
                </Dialog>
            )}
            {revoking && (
                <Dialog
                    title={`Revoke the token of ${inert(revoking.name, 40)}?`}
                    onClose={() => setRevoking(null)}
                    actions={
                        <Button
                            tone="danger"
                            data-testid="token-revoke-confirm"
                            onClick={() =>
                                void attempt(async () => {
                                    await agents.revoke(revoking.id);
                                    setRevoking(null);
                                })}
                        >
                            Revoke
                        </Button>
                    }
                >
                    <p>What it does now ends within a second. The sessions stay open for people.</p>
                </Dialog>
            )}
        </section>
    );
}
