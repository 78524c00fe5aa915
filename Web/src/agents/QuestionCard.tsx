import { useState } from "react";
import { Button } from "../ui/controls";
import { EnvironmentLabel, useNow } from "../ui/display";
import { Icon } from "../ui/Icon";
import { inert } from "../ui/text";
import { type AgentQuestion, agents, type Scope } from "./api";
import { plain, Verbatim } from "./Verbatim";
import { effects } from "./words";

const verbs: Record<string, string> = {
    command: "wants to run",
    input: "wants to type",
    plan: "has a plan",
    file_read: "wants to read a file",
    file_write: "wants to change a file",
};

type More = "none" | "options" | "edit" | "pattern" | "deny";

/** One question of an agent: what would happen, why it is asked, and the answers under the thumb. */
export function QuestionCard({ question, host, environment, mayDecide, attempt, take }: {
    question: AgentQuestion;
    host: string;
    environment: string;
    mayDecide: boolean;
    attempt: (act: () => Promise<unknown>) => Promise<void>;
    take: () => void;
}) {
    const [more, setMore] = useState<More>("none");
    const [text, setText] = useState("");
    const [busy, setBusy] = useState(false);
    const act = async (what: () => Promise<unknown>) => {
        setBusy(true);
        await attempt(what);
        setBusy(false);
    };
    const answer = (scope: Scope) => act(() => agents.answer(question.id, scope));
    const isCommand = question.kind === "command";
    const begin = (next: More, value: string) => {
        setMore(next);
        setText(value);
    };
    const may = effects(question.classes);
    const isGrave = may.some((effect) => effect.isGrave);
    return (
        <article
            className={`question-card ${isGrave ? "grave" : ""}`}
            data-testid="agent-question"
            data-kind={question.kind}
            data-grave={isGrave}
        >
            <h3>
                <Icon name="alert" size={16} /> {inert(question.agent.name, 40)} {verbs[question.kind] ?? "asks"}
            </h3>
            <p className="question-place" data-testid="question-place">
                <b>{inert(host, 60)}</b> <EnvironmentLabel environment={environment} />
                {may.map((effect) => (
                    <span key={effect.name} className={`effect ${effect.isGrave ? "grave" : ""}`}>{effect.words}</span>
                ))}
            </p>
            <Verbatim text={question.subject} testid="question-subject" />
            {question.input && (
                <div>
                    <p className="muted">{question.kind === "file_write" ? "The file would hold:" : "With this input:"}</p>
                    <Verbatim text={question.input} testid="question-input" />
                </div>
            )}
            <p className="question-why" data-testid="question-why">
                {inert(question.why, 300)}
                {question.cwd && <> In <code>{inert(question.cwd, 120)}</code>.</>}
            </p>
            {question.purpose && <p className="muted">In its own words: {plain(question.purpose)}</p>}
            <Deadline at={question.expiresAt} />
            {!mayDecide && <p className="muted">Only those with full control of this session decide.</p>}
            {mayDecide && (more === "none" || more === "options") && (
                <div className="question-buttons">
                    <Button
                        tone={isGrave ? "danger" : "primary"}
                        busy={busy}
                        data-testid="question-once"
                        onClick={() => void answer({ scope: "once" })}
                    >
                        {question.kind === "plan" ? "Approve the plan" : "Allow once"}
                    </Button>
                    <Button disabled={busy} data-testid="question-deny" onClick={() => begin("deny", "")}>Deny…</Button>
                    {more === "none" && question.kind !== "plan" && (
                        <Button tone="quiet" data-testid="question-more" onClick={() => setMore("options")}>More…</Button>
                    )}
                </div>
            )}
            {more === "options" && (
                <div className="question-options">
                    <Button data-testid="question-exact" onClick={() => void answer({ scope: "exact", minutes: 10 })}>
                        Allow this very text for 10 minutes
                    </Button>
                    {isCommand && (
                        <>
                            <Button
                                data-testid="question-pattern"
                                onClick={() => begin("pattern", question.suggestedPattern ?? question.subject)}
                            >
                                Allow commands like it…
                            </Button>
                            <Button data-testid="question-edit" onClick={() => begin("edit", question.subject)}>
                                Change it and run…
                            </Button>
                        </>
                    )}
                    <Button
                        data-testid="question-take"
                        onClick={() => {
                            take();
                            void act(() => agents.refuse(question.id, "I do this myself."));
                        }}
                    >
                        Do it myself
                    </Button>
                </div>
            )}
            {(more === "edit" || more === "pattern" || more === "deny") && (
                <div className="question-form">
                    <textarea
                        rows={more === "edit" ? 3 : 2}
                        value={text}
                        spellCheck={more === "deny"}
                        autoCapitalize="off"
                        aria-label={more === "deny" ? "Why not" : more === "edit" ? "The command" : "The pattern"}
                        placeholder={more === "deny" ? "Why not? The agent reads it." : undefined}
                        data-testid="question-text"
                        onChange={(event) => setText(event.target.value)}
                    />
                    {more === "pattern" && <p className="muted">* stands for anything inside of one command.</p>}
                    <div className="question-buttons">
                        <Button
                            tone={more === "deny" ? "danger" : "primary"}
                            busy={busy}
                            disabled={more !== "deny" && !text.trim()}
                            data-testid="question-send"
                            onClick={() =>
                                void (more === "deny"
                                    ? act(() => agents.refuse(question.id, text))
                                    : answer(
                                        more === "edit"
                                            ? { scope: "edited", command: text }
                                            : { scope: "pattern", pattern: text },
                                    ))}
                        >
                            {more === "deny" ? "Deny" : more === "edit" ? "Run this" : "Allow these"}
                        </Button>
                        <Button onClick={() => setMore("none")}>Back</Button>
                    </div>
                </div>
            )}
        </article>
    );
}

/** Nothing happens when nobody answers; whoever is late should know. */
function Deadline({ at }: { at: string }) {
    const now = useNow(15_000);
    const minutes = Math.ceil((new Date(at).getTime() - now) / 60_000);
    if (!(minutes <= 3)) return null;
    return <p className="muted">{minutes <= 1 ? "Less than a minute" : `${minutes} minutes`} left; then it is not run.</p>;
}
