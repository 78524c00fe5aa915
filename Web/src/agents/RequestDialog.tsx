import { useMemo, useState } from "react";
import { type ApiError, asApiError } from "../api/client";
import type { Host } from "../api/types";
import { go } from "../app/router";
import { load } from "../app/session";
import { toast, useStore } from "../app/store";
import { Button, Choice, Dialog } from "../ui/controls";
import { EnvironmentLabel, Problem, useNow } from "../ui/display";
import { Icon } from "../ui/Icon";
import { ago, inert } from "../ui/text";
import { type AgentMode, type AgentRequest, agents, type AgentSudo } from "./api";
import { Verbatim } from "./Verbatim";
import { lines, modeWords, sudoWords } from "./words";

const durations = [15, 60, 240, 480];

/** One request of an agent: what it asks in its own words, and the person's answer. */
export function RequestDialog({ request, close }: { request: AgentRequest; close: () => void }) {
    const hosts = useStore((s) => s.hosts.data) ?? [];
    const open = useMemo(() => hosts.filter((host) => host.may.connect), [hosts]);
    const [hostId, setHost] = useState(request.suggestedHostIds?.[0] ?? "");
    const [mode, setMode] = useState<AgentMode>(request.wish.mode === "trusted" ? "supervised" : request.wish.mode ?? "supervised");
    const [minutes, setMinutes] = useState(nearest(request.wish.durationMinutes ?? 60));
    const [sudo, setSudo] = useState<AgentSudo>("ask");
    const [allow, setAllow] = useState("");
    const [deny, setDeny] = useState("");
    const [read, setRead] = useState(request.wish.files?.read.join("\n") ?? "");
    const [write, setWrite] = useState("");
    const [reason, setReason] = useState("");
    const [isDenying, setDenying] = useState(false);
    const [busy, setBusy] = useState(false);
    const [error, setError] = useState<ApiError | null>(null);
    const now = useNow(5_000);
    const host = open.find((one) => one.id === hostId);

    const attempt = async (act: () => Promise<unknown>, done: string) => {
        setBusy(true);
        setError(null);
        try {
            await act();
            toast(done, { tone: "good" });
            close();
        } catch (problem) {
            setError(asApiError(problem));
        } finally {
            setBusy(false);
        }
    };
    const approve = () =>
        attempt(async () => {
            await agents.approve(request.id, {
                hostId,
                mode,
                allow: lines(allow),
                deny: lines(deny),
                sudo,
                files: { read: lines(read), write: lines(write) },
                durationMinutes: minutes,
            });
            void load("live");
        }, `${inert(request.agent.name, 40)} is in`);

    return (
        <Dialog
            title={<>Let {inert(request.agent.name, 60)} in?</>}
            onClose={close}
            testid="request-dialog"
            actions={isDenying
                ? (
                    <>
                        <Button onClick={() => setDenying(false)}>Back</Button>
                        <Button
                            tone="danger"
                            busy={busy}
                            data-testid="deny-confirm"
                            onClick={() => void attempt(() => agents.deny(request.id, reason), "Denied")}
                        >
                            Deny
                        </Button>
                    </>
                )
                : (
                    <>
                        <Button onClick={() => setDenying(true)} data-testid="request-deny">Deny…</Button>
                        <Button
                            tone="primary"
                            busy={busy}
                            disabled={!host}
                            onClick={() => void approve()}
                            data-testid="request-approve"
                        >
                            Let it in
                        </Button>
                    </>
                )}
        >
            <dl className="request-facts">
                <dt>Asks for</dt>
                <dd>
                    <Verbatim
                        text={`${request.username}@${request.host}${request.wish.port ? `:${request.wish.port}` : ""}`}
                        testid="request-target"
                    />
                </dd>
                <dt>In its own words</dt>
                <dd><Verbatim text={request.reason || "(it gave no reason)"} testid="request-reason" /></dd>
                {request.wish.commands.length > 0 && (
                    <>
                        <dt>Commands it names</dt>
                        <dd><Verbatim text={request.wish.commands.join("\n")} testid="request-commands" /></dd>
                    </>
                )}
            </dl>
            <p className="muted request-when">
                Asked {ago(request.createdAt, now)}
                {request.wish.mode && ` · wants: ${modeWords[request.wish.mode]?.label ?? inert(request.wish.mode, 20)}`}
                {request.wish.sudo === "allow" && " · wants sudo"}
            </p>
            {isDenying
                ? (
                    <div className="field">
                        <label htmlFor="deny-reason">Why not? The agent reads it.</label>
                        <textarea
                            id="deny-reason"
                            rows={3}
                            value={reason}
                            data-testid="deny-reason"
                            onChange={(event) => setReason(event.target.value)}
                        />
                    </div>
                )
                : (
                    <>
                        <HostChoice hosts={open} request={request} value={hostId} choose={setHost} />
                        <fieldset className="plain-fieldset">
                            <legend>What it may do by itself</legend>
                            <div className="mode-list" role="radiogroup" aria-label="What it may do by itself">
                                {(Object.keys(modeWords) as AgentMode[]).map((one) => (
                                    <button
                                        key={one}
                                        type="button"
                                        role="radio"
                                        aria-checked={one === mode}
                                        data-testid={`grant-${one}`}
                                        onClick={() => setMode(one)}
                                    >
                                        <strong>{modeWords[one].label}</strong>
                                        <span>{modeWords[one].note}</span>
                                    </button>
                                ))}
                            </div>
                        </fieldset>
                        <div className="grant-row">
                            <span>For</span>
                            <Choice
                                label="For how long"
                                value={String(minutes)}
                                options={durations.map((count) => ({
                                    value: String(count),
                                    label: count < 60 ? `${count} min` : `${count / 60} h`,
                                }))}
                                onChange={(value) => setMinutes(Number(value))}
                                testid="grant-minutes"
                            />
                        </div>
                        {(mode === "supervised" || mode === "trusted") && (
                            <div className="grant-row">
                                <span>Root (sudo)</span>
                                <Choice
                                    label="Root"
                                    value={sudo}
                                    options={(Object.keys(sudoWords) as AgentSudo[]).map((one) => ({
                                        value: one,
                                        label: sudoWords[one],
                                    }))}
                                    onChange={setSudo}
                                    testid="grant-sudo"
                                />
                            </div>
                        )}
                        <details className="grant-more">
                            <summary>Commands and files</summary>
                            <Lines label="Commands it may always run, one a line; * is anything" value={allow} set={setAllow} testid="grant-allow" />
                            <Lines label="Commands it may never run" value={deny} set={setDeny} testid="grant-deny" />
                            <Lines label="Files it may read" value={read} set={setRead} testid="grant-read" hint="/var/log/*" />
                            <Lines label="Files it may write" value={write} set={setWrite} testid="grant-write" />
                        </details>
                        <p className="boundary">
                            <Icon name="info" size={16} />
                            <span>
                                These rules judge text: they stop accidents and misled agents. What{" "}
                                <b>{inert(host?.username ?? request.username, 40)}</b>{" "}
                                may do at the host is the real boundary.
                            </span>
                        </p>
                    </>
                )}
            {error && <Problem compact error={error} testid="request-error" />}
        </Dialog>
    );
}

const nearest = (wanted: number) =>
    durations.reduce((best, one) => Math.abs(one - wanted) < Math.abs(best - wanted) ? one : best);

/** The host as the copilot knows it: with the key that somebody verified, and the credential that it keeps. */
function HostChoice({ hosts, request, value, choose }: {
    hosts: Host[];
    request: AgentRequest;
    value: string;
    choose: (id: string) => void;
}) {
    const chosen = hosts.find((host) => host.id === value);
    return (
        <div className="field">
            <label htmlFor="grant-host">Which host, with the credential that is kept for it</label>
            <select
                id="grant-host"
                value={value}
                data-testid="grant-host"
                onChange={(event) => choose(event.target.value)}
            >
                <option value="">Choose a host</option>
                {hosts.map((host) => (
                    <option key={host.id} value={host.id}>
                        {inert(`${host.alias} (${host.username}@${host.address}:${host.port})`, 120)}
                    </option>
                ))}
            </select>
            {chosen
                ? (
                    <p className="field-note">
                        <EnvironmentLabel environment={chosen.environment} /> signs in as{" "}
                        <b>{inert(chosen.username, 60)}</b>
                        {chosen.username !== request.username && (
                            <span className="warning-text">{" "}and not as {inert(request.username, 60)}</span>
                        )}
                        . Key <code>{chosen.hostKey.fingerprint.slice(0, 18)}…</code> verified by{" "}
                        {inert(chosen.hostKey.verifiedBy, 40)}.
                    </p>
                )
                : (
                    <p className="field-note">
                        Not here yet? {" "}
                        <button
                            type="button"
                            className="link-button"
                            data-testid="grant-add-host"
                            onClick={() => go("/hosts/add")}
                        >
                            Add the host
                        </button>{" "}
                        with its fingerprint and credential; the request waits.
                    </p>
                )}
        </div>
    );
}

function Lines({ label, value, set, testid, hint }: {
    label: string;
    value: string;
    set: (text: string) => void;
    testid: string;
    hint?: string;
}) {
    return (
        <div className="field">
            <label htmlFor={testid}>{label}</label>
            <textarea
                id={testid}
                rows={2}
                value={value}
                placeholder={hint}
                spellCheck={false}
                autoCapitalize="off"
                data-testid={testid}
                onChange={(event) => set(event.target.value)}
            />
        </div>
    );
}
