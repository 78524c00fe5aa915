import { useEffect, useState } from "react";
import { type ApiError, asApiError } from "../api/client";
import { usePolling } from "../app/polling";
import { go, replace, useRoute } from "../app/router";
import { load } from "../app/session";
import { useMay, useStore } from "../app/store";
import { Button } from "../ui/controls";
import { Empty, NoPermission, PageHead, Problem, Skeleton, useNow } from "../ui/display";
import { Icon } from "../ui/Icon";
import { ago, inert, shortTime } from "../ui/text";
import { type AgentAtSession, type AgentRequest, agents } from "./api";
import { RequestDialog } from "./RequestDialog";
import { Passkeys } from "./Passkeys";
import { Tokens } from "./Tokens";
import { visible } from "./Verbatim";
import { modeWords } from "./words";

const past: Record<string, string> = {
    approved: "let in",
    connecting: "connecting",
    denied: "denied",
    expired: "not answered",
    withdrawn: "withdrawn",
    connect_failed: "could not connect",
};

/** What agents ask, and where they are. */
export function Agents() {
    const mayApprove = useMay("agent.approve");
    const mayManage = useMay("agent.manage");
    const [requests, setRequests] = useState<AgentRequest[] | null>(null);
    const [sessions, setSessions] = useState<AgentAtSession[]>([]);
    const [error, setError] = useState<ApiError | null>(null);
    const { query } = useRoute();
    const shown = requests?.find((request) => request.id === query.get("request"));
    const hosts = useStore((s) => s.hosts.data);

    const reload = async () => {
        try {
            const [asked, here] = await Promise.all([agents.requests(), agents.sessions()]);
            setRequests(asked);
            setSessions(here);
            setError(null);
        } catch (problem) {
            setError(asApiError(problem));
        }
    };
    usePolling(() => {
        if (mayApprove) void reload();
    }, 2_500);
    useEffect(() => {
        if (!hosts) void load("hosts");
    }, [hosts]);

    if (!mayApprove) return <NoPermission permission="agent.approve" />;
    const waiting = requests?.filter((request) => isOpen(request)) ?? [];
    const done = requests?.filter((request) => !isOpen(request)) ?? [];
    return (
        <>
            <PageHead title="Agents" note="AI agents ask for a host; you let them in, watch, take over, and give back." />
            {error && <Problem error={error} retry={() => void reload()} />}
            {!requests && !error && <Skeleton rows={2} />}
            {requests && (
                <section className="stack" aria-label="Requests">
                    <h2 className="section-title">Waiting for you</h2>
                    {waiting.length === 0 && (
                        <Empty icon="inbox" title="No agent is asking">
                            When one asks for a host, its request is here, with its reason.
                        </Empty>
                    )}
                    <div className="request-list" data-testid="agent-requests">
                        {waiting.map((request) => <WaitingRequest key={request.id} request={request} />)}
                    </div>
                </section>
            )}
            {sessions.length > 0 && (
                <section className="stack" aria-label="Agents at work">
                    <h2 className="section-title">At work</h2>
                    <div className="request-list">
                        {sessions.map((session) => <AtWork key={session.id} session={session} />)}
                    </div>
                </section>
            )}
            {done.length > 0 && (
                <section className="stack" aria-label="Earlier requests">
                    <h2 className="section-title">Earlier</h2>
                    <ul className="panel past-requests">
                        {done.map((request) => (
                            <li key={request.id} data-testid="past-request" data-status={request.status}>
                                <span className="tabular muted">{shortTime(request.createdAt)}</span>
                                <span>
                                    <b>{inert(request.agent.name, 40)}</b> · {inert(request.host, 60)}
                                </span>
                                <span className="muted">
                                    {past[request.status] ?? inert(request.status, 20)}
                                    {request.decidedBy && ` by ${inert(request.decidedBy, 40)}`}
                                    {request.decision && `: ${inert(request.decision, 120)}`}
                                </span>
                            </li>
                        ))}
                    </ul>
                </section>
            )}
            {mayManage && <Tokens />}
            <Passkeys />
            {shown && isOpen(shown) && (
                <RequestDialog request={shown} close={() => { replace("/agents"); void reload(); }} />
            )}
        </>
    );
}

const isOpen = (request: AgentRequest) => request.status === "pending" || request.status === "connect_failed";

function WaitingRequest({ request }: { request: AgentRequest }) {
    const now = useNow(5_000);
    return (
        <article className="panel agent-card" data-testid="agent-request" data-request={request.id}>
            <span className="agent-face"><Icon name="agent" size={22} /></span>
            <div className="agent-words">
                <h3>
                    {inert(request.agent.name, 60)} <span className="muted">asks for</span>{" "}
                    <code>{inert(`${request.username}@${request.host}`, 120)}</code>
                </h3>
                <p>{visible(request.reason).slice(0, 240)}</p>
                <p className="muted">
                    {ago(request.createdAt, now)}
                    {request.status === "connect_failed" && request.decision && ` · ${inert(request.decision, 200)}`}
                </p>
            </div>
            <Button
                tone="primary"
                data-testid="request-review"
                onClick={() => go(`/agents?request=${request.id}`)}
            >
                Review
            </Button>
        </article>
    );
}

function AtWork({ session }: { session: AgentAtSession }) {
    const now = useNow(5_000);
    const running = session.commands.filter((command) => command.state === "running").length;
    const words = session.approvals.length > 0
        ? `${session.approvals.length} waiting for you`
        : session.isPaused
        ? "paused"
        : session.control.holder === "agent" || session.grant.mode === "read_only"
        ? running > 0 ? `${running} running` : "at work"
        : session.control.name
        ? `${inert(session.control.name, 30)} has the keyboard`
        : "handed over to you";
    return (
        <article className="panel agent-card" data-testid="agent-session" data-session={session.id}>
            <span className="agent-face"><Icon name="agent" size={22} /></span>
            <div className="agent-words">
                <h3>
                    {inert(session.agent.name, 60)} <span className="muted">at</span> {inert(session.host, 60)}
                </h3>
                <p className={session.approvals.length > 0 ? "warning-text" : "muted"}>{words}</p>
                <p className="muted">
                    {modeWords[session.grant.mode]?.label} · until {shortTime(session.grant.expiresAt, now)}
                </p>
            </div>
            <Button icon="terminal" onClick={() => go(`/s/${session.id}?panel=agent`)}>Watch</Button>
        </article>
    );
}
