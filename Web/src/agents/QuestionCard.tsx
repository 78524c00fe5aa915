import { useState } from "react";
import { Button } from "../ui/controls";
import { Icon } from "../ui/Icon";
import { inert } from "../ui/text";
import { type AgentQuestion, agents, type Scope } from "./api";
import { Verbatim, visible } from "./Verbatim";

const verbs: Record<string, string> = {
    command: "wants to run",
    input: "wants to type",
    plan: "has a plan",
    file_read: "wants to read",
    file_write: "wants to write",
};

type More = "none" | "options" | "edit" | "pattern" | "deny";

/** One question of an agent: what would happen, why it is asked, and the answers under the thumb. */
export function QuestionCard({ question, mayDecide, attempt, take }: {
    question: AgentQuestion;
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
    return (
        <article className="question-card" data-testid="agent-question" data-kind={question.kind}>
            <h3>
                <Icon name="alert" size={16} /> {inert(question.agent.name, 40)} {verbs[question.kind] ?? "asks"}
            </h3>
            <Verbatim text={question.subject} testid="question-subject" />
            <p className="question-why" data-testid="question-why">
                {inert(question.why, 300)}
                {question.cwd && <> In <code>{inert(question.cwd, 120)}</code>.</>}
            </p>
            {question.purpose && <p className="muted">In its own words: {visible(question.purpose)}</p>}
            {!mayDecide && <p className="muted">Only those with full control of this session decide.</p>}
            {mayDecide && (more === "none" || more === "options") && (
                <div className="question-buttons">
                    <Button
                        tone="primary"
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
