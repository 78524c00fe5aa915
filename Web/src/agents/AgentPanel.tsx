import { useCallback, useEffect, useRef, useState } from "react";
import { type ApiError, asApiError } from "../api/client";
import type { PanelProps } from "../terminal/panels";
import { Button } from "../ui/controls";
import { Problem, Skeleton, useNow } from "../ui/display";
import { Icon } from "../ui/Icon";
import { clock, inert, shortTime } from "../ui/text";
import { type AgentAtSession, type AgentCommand, agents } from "./api";
import { QuestionCard } from "./QuestionCard";
import { setQuestions, useAgentNotes, useSeen } from "./questions";
import { plain, visible } from "./Verbatim";
import { commandState, modeWords, sudoWords } from "./words";

/** Notes tell of every change; this is for what a lost one leaves behind, and for a command's output as it comes. */
const EVERY = 2_000;

/** Asks again and again while the panel is open, and at once after each answer. */
function useAgent(sessionId: string) {
    const [agent, setAgent] = useState<AgentAtSession | null>(null);
    const [error, setError] = useState<ApiError | null>(null);
    const isBusy = useRef(false);
    const reload = useCallback(async () => {
        if (isBusy.current) return;
        isBusy.current = true;
        try {
            const found = await agents.session(sessionId);
            setAgent(found);
            setQuestions(sessionId, found.approvals.length);
            setError(null);
        } catch (problem) {
            setError(asApiError(problem));
        } finally {
            isBusy.current = false;
        }
    }, [sessionId]);
    useEffect(() => {
        void reload();
        const timer = setInterval(() => {
            if (document.visibilityState === "visible") void reload();
        }, EVERY);
        return () => clearInterval(timer);
    }, [reload]);
    useAgentNotes(sessionId, reload);
    return { agent, error, reload, setError };
}

/** The agent at this session: what it asks, who has the keyboard, what it ran. */
export function AgentPanel({ sessionId, channel, seat }: PanelProps) {
    const { agent, error, reload, setError } = useAgent(sessionId);
    useSeen(sessionId);
    if (!agent) return error ? <Problem error={error} retry={() => void reload()} /> : <Skeleton rows={3} />;
    const attempt = async (act: () => Promise<unknown>) => {
        try {
            await act();
            setError(null);
        } catch (problem) {
            setError(asApiError(problem));
        }
        await reload();
    };
    return (
        <div className="agent-panel" data-testid="agent-panel" data-holder={agent.control.holder}>
            {error && <Problem compact error={error} />}
            {agent.approvals.map((question) => (
                <QuestionCard
                    key={question.id}
                    question={question}
                    host={agent.host}
                    environment={agent.environment}
                    mayDecide={agent.mayDecide}
                    attempt={attempt}
                    take={() => channel.takeKeyboard()}
                />
            ))}
            <Keyboard agent={agent} isMine={seat.you.holder} take={() => channel.takeKeyboard()} attempt={attempt} />
            <section>
                <h3>What it runs</h3>
                {agent.commands.length === 0 && <p className="muted">Nothing yet.</p>}
                <ol className="agent-commands" data-testid="agent-commands">
                    {agent.commands.map((command) => (
                        <CommandRow key={command.id} command={command} mayStop={agent.mayDecide} attempt={attempt} />
                    ))}
                </ol>
            </section>
            <section className="grant-facts">
                <h3>What it was granted</h3>
                <p>
                    <b>{modeWords[agent.grant.mode]?.label}</b> until {shortTime(agent.grant.expiresAt)} · sudo:{" "}
                    {sudoWords[agent.grant.sudo]?.toLowerCase()}
                </p>
                {agent.grant.allow.length > 0 && <p className="muted">Always: {inert(agent.grant.allow.join(", "), 300)}</p>}
                {agent.grant.deny.length > 0 && <p className="muted">Never: {inert(agent.grant.deny.join(", "), 300)}</p>}
                {agent.mayDecide && (
                    <Button
                        small
                        tone="danger"
                        data-testid="agent-end"
                        onClick={() => void attempt(() => agents.endGrant(agent.id))}
                    >
                        End its access
                    </Button>
                )}
            </section>
        </div>
    );
}

type Attempt = (act: () => Promise<unknown>) => Promise<void>;

/** Who types: the agent, a person, or nobody until a person hands it back. */
function Keyboard({ agent, isMine, take, attempt }: {
    agent: AgentAtSession;
    isMine: boolean;
    take: () => void;
    attempt: Attempt;
}) {
    const [note, setNote] = useState("");
    const name = inert(agent.agent.name, 40);
    const agentHas = agent.control.holder === "agent" && !agent.isPaused;
    const isReader = agent.grant.mode === "read_only" || agent.grant.mode === "observe";
    return (
        <section className={`agent-keyboard ${agentHas ? "" : "yours"}`} aria-live="polite">
            {agent.handoff && !agentHas && (
                <p className="agent-notice" data-testid="agent-handoff">
                    <Icon name="hand" size={16} /> <span>{name}: {visible(agent.handoff)}</span>
                </p>
            )}
            <p data-testid="agent-control">
                <Icon name="keyboard" size={16} />
                <span>
                    {agentHas
                        ? <>{name} has the keyboard. Type to take it.</>
                        : agent.isPaused
                        ? <>{name} is paused.</>
                        : isReader
                        ? <>{name} only reads.</>
                        : isMine
                        ? <>You have the keyboard; {name} waits.</>
                        : agent.control.name
                        ? <>{inert(agent.control.name, 40)} has the keyboard; {name} waits.</>
                        : <>Nobody has the keyboard; {name} waits for one of you.</>}
                </span>
            </p>
            {agent.isPrivate && (
                <p className="agent-notice" data-testid="agent-private-note">
                    <Icon name="lock" size={16} /> <span>{name} sees nothing of what happens in the terminal.</span>
                </p>
            )}
            {agent.mayDecide && !agentHas && (!isReader || agent.isPaused) && (
                <div className="give-back">
                    <textarea
                        rows={2}
                        value={note}
                        placeholder="A note for the agent (optional)"
                        aria-label="A note for the agent"
                        data-testid="return-note"
                        onChange={(event) => setNote(event.target.value)}
                    />
                    <Button
                        tone="primary"
                        icon="give"
                        data-testid="agent-return"
                        onClick={() =>
                            void attempt(async () => {
                                await agents.giveBack(agent.id, note);
                                setNote("");
                            })}
                    >
                        Give it back
                    </Button>
                </div>
            )}
            {agent.mayDecide && (
                <div className="agent-buttons">
                    {agentHas && <Button icon="hand" onClick={take} data-testid="agent-take">Take the keyboard</Button>}
                    <Button
                        icon="lock"
                        aria-pressed={agent.isPrivate}
                        data-testid="agent-private"
                        onClick={() => void attempt(() => agents.hide(agent.id, !agent.isPrivate))}
                    >
                        {agent.isPrivate ? "Let it see again" : "Type unseen"}
                    </Button>
                    {!agent.isPaused && (
                        <Button
                            tone="danger"
                            icon="pause"
                            data-testid="agent-stop-all"
                            onClick={() => void attempt(() => agents.pause(agent.id, true))}
                        >
                            Stop everything
                        </Button>
                    )}
                </div>
            )}
        </section>
    );
}

function CommandRow({ command, mayStop, attempt }: { command: AgentCommand; mayStop: boolean; attempt: Attempt }) {
    const now = useNow(1_000);
    const isRunning = command.state === "running";
    const seconds = isRunning && command.startedAt
        ? (now - new Date(command.startedAt).getTime()) / 1000
        : (command.durationMs ?? 0) / 1000;
    return (
        <li data-testid="agent-command" data-state={command.state}>
            <div className="command-line">
                <code>{plain(command.command)}</code>
                <span
                    className={`command-state ${command.state === "exited" && command.exitCode === 0 ? "good" : command.state}`}
                >
                    {commandState(command)}
                    {(isRunning || command.durationMs !== undefined) && (
                        <small className="tabular">{" "}{seconds < 1 && !isRunning ? "<1 s" : clock(seconds)}</small>
                    )}
                </span>
            </div>
            {command.purpose && <p className="muted">{plain(command.purpose)}</p>}
            {command.tail && <pre className="command-tail">{visible(command.tail)}</pre>}
            {isRunning && mayStop && (
                <Button small icon="close" onClick={() => void attempt(() => agents.stopCommand(command.id))}>Stop</Button>
            )}
        </li>
    );
}
