import { useCallback, useEffect, useState } from "react";
import { api, type ApiError, asApiError } from "../api/client";
import { go } from "../app/router";
import { openTerminal } from "../app/session";
import { useStore } from "../app/store";
import { EnvironmentLabel, PageHead, Problem, Skeleton, useNow } from "../ui/display";
import { Button } from "../ui/controls";
import { Icon } from "../ui/Icon";
import { bytes, clock, fullTime, inert, span } from "../ui/text";
import { type Handoff, type HandoffBrief, type HandoffState, sharing } from "./calls";
import { handoffSeen, loadHandoffs } from "./handoffs";

const states: Record<HandoffState, string> = {
    open: "",
    accepted: "It was taken over.",
    declined: "It was declined.",
    withdrawn: "The offer was withdrawn.",
    expired: "Nobody answered in time: the offer has expired.",
    ended: "The session ended before anybody took it over.",
};

/** An offer to take a session over: what was done there, and the two answers, within a thumb's reach. */
export function HandoffPage({ id }: { id: string }) {
    const me = useStore((s) => s.me?.user.id);
    const [handoff, setHandoff] = useState<Handoff | null>(null);
    const [error, setError] = useState<ApiError | null>(null);
    const [busy, setBusy] = useState<string | null>(null);
    const reload = useCallback(async () => {
        try {
            setHandoff(await sharing.handoff(id));
            setError(null);
        } catch (problem) {
            setError(asApiError(problem));
        }
    }, [id]);
    useEffect(() => handoffSeen(id), [id]);
    useEffect(() => {
        void reload();
        const timer = setInterval(() => void reload(), 5_000);
        return () => clearInterval(timer);
    }, [reload]);
    const decide = async (what: "accept" | "decline" | "withdraw") => {
        setBusy(what);
        try {
            const decided = await sharing.decide(id, what);
            setHandoff(decided);
            void loadHandoffs();
            if (what === "accept") openTerminal(await api.session(decided.sessionId));
        } catch (problem) {
            setError(asApiError(problem));
            const refused = asApiError(problem);
            if (refused.status === 409) void reload().then(() => setError(refused));
        }
        setBusy(null);
    };
    if (!handoff) return error ? <Problem error={error} retry={() => void reload()} /> : <Skeleton rows={4} />;
    const isOpen = handoff.state === "open";
    const isMine = handoff.to.id === me;
    return (
        <div className="handoff" data-testid="handoff-page" data-state={handoff.state}>
            <PageHead
                title={isMine && isOpen ? `Take over ${inert(handoff.host.alias, 60)}?` : inert(handoff.host.alias, 60)}
                note={
                    <>
                        <EnvironmentLabel environment={handoff.host.environment} /> {inert(handoff.from.name, 60)}{" "}
                        hands it to {isMine ? "you" : inert(handoff.to.name, 60)}, {fullTime(handoff.createdAt)}
                    </>
                }
            />
            {handoff.note && (
                <blockquote className="handoff-note" data-testid="handoff-said">
                    {handoff.note.split("\n").map((line) => inert(line, 1000)).join("\n")}
                </blockquote>
            )}
            {error && <Problem compact error={error} testid="handoff-error" />}
            {!isOpen && <p className="note" data-testid="handoff-state">{states[handoff.state]}</p>}
            <Brief brief={handoff.brief} />
            <footer className="handoff-actions">
                {isOpen && <TimeLeft until={handoff.expiresAt} />}
                {isOpen && isMine && (
                    <>
                        <Button
                            busy={busy === "decline"}
                            onClick={() => void decide("decline")}
                            data-testid="handoff-decline"
                        >
                            Not me
                        </Button>
                        <Button
                            tone="primary"
                            icon="keyboard"
                            busy={busy === "accept"}
                            onClick={() => void decide("accept")}
                            data-testid="handoff-accept"
                        >
                            Take it over
                        </Button>
                    </>
                )}
                {isOpen && !isMine && (
                    <Button busy={busy === "withdraw"} onClick={() => void decide("withdraw")}>Withdraw</Button>
                )}
                {!isOpen && <Button icon="sessions" onClick={() => go("/sessions")}>To the sessions</Button>}
            </footer>
        </div>
    );
}

function TimeLeft({ until }: { until: string }) {
    const now = useNow(1_000);
    const left = (new Date(until).getTime() - now) / 1000;
    return <span className="muted tabular">{left > 0 ? `${span(left)} left` : "Expiring…"}</span>;
}

/** What the server saw: commands, the screen, what was said, what was moved. */
export function Brief({ brief }: { brief: HandoffBrief }) {
    return (
        <div className="brief" data-testid="handoff-brief">
            <p className="muted">
                Running for {span(brief.seconds)}, with {brief.people.map((name) => inert(name, 40)).join(", ")}.
            </p>
            <section>
                <h2>What was run</h2>
                {brief.commands.length === 0 && <p className="muted">Nothing that could be told as a command.</p>}
                {brief.earlierCommands > 0 && <p className="muted">{brief.earlierCommands} earlier commands</p>}
                <ol className="brief-commands">
                    {brief.commands.map((command, index) => (
                        <li key={index} data-testid="brief-command">
                            <span className="tabular muted">{clock(command.time)}</span>
                            <code>{inert(command.text, 420)}</code>
                            {command.exitStatus !== undefined && (
                                <span className={`exit ${command.exitStatus === 0 ? "good" : "bad"}`}>
                                    {command.exitStatus === 0
                                        ? <Icon name="check" size={14} />
                                        : <Icon name="alert" size={14} />} {command.exitStatus}
                                </span>
                            )}
                            <span className="muted">{inert(command.by, 30)}</span>
                        </li>
                    ))}
                </ol>
            </section>
            <section>
                <h2>The screen</h2>
                <pre className="brief-screen" tabIndex={0} aria-label="The screen">
                    {brief.screen.map((line) => inert(line, 400)).join("\n") || " "}
                </pre>
            </section>
            {brief.chat.length > 0 && (
                <section>
                    <h2>What was said</h2>
                    <ul className="brief-chat">
                        {brief.chat.map((one, index) => (
                            <li key={index}>
                                <span className="tabular muted">{clock(one.time)}</span>{" "}
                                <strong>{inert(one.by, 40)}</strong> {inert(one.text.replace(/\n/g, " "), 400)}
                            </li>
                        ))}
                    </ul>
                </section>
            )}
            {brief.files.length > 0 && (
                <section>
                    <h2>Files</h2>
                    <ul className="brief-chat">
                        {brief.files.map((one, index) => (
                            <li key={index}>
                                <span className="tabular muted">{clock(one.time)}</span> {inert(one.operation, 30)}{" "}
                                <code>{inert(one.path, 200)}</code>
                                {one.size !== undefined && ` ${bytes(one.size)}`}{" "}
                                <span className="muted">{inert(one.by, 30)}</span>
                            </li>
                        ))}
                    </ul>
                </section>
            )}
        </div>
    );
}
