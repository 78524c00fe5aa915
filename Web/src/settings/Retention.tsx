import { type FormEvent, useEffect, useState } from "react";
import { api, type ApiError, asApiError } from "../api/client";
import type { RecordingRetention } from "../api/types";
import { toast } from "../app/store";
import { Button } from "../ui/controls";
import { Problem, Skeleton } from "../ui/display";
import { daysProblem, MOST_DAYS } from "./days";

interface Draft {
    days: string;
    tags: { tag: string; days: string }[];
}

const draftOf = (value: RecordingRetention): Draft => ({
    days: String(value.days),
    tags: value.tags.map((rule) => ({ tag: rule.tag, days: String(rule.days) })),
});

function replaced<T>(items: T[], index: number, item: T): T[] {
    return items.map((old, other) => (other === index ? item : old));
}

/** How long recordings are kept: for all, and for hosts with a tag. */
export function Retention() {
    const [draft, setDraft] = useState<Draft | null>(null);
    const [error, setError] = useState<ApiError | null>(null);
    const [problem, setProblem] = useState<string | null>(null);
    const [isBusy, setBusy] = useState(false);
    const fetch = () => {
        setError(null);
        api.retention().then((value) => setDraft(draftOf(value)), (failure) => setError(asApiError(failure)));
    };
    useEffect(fetch, []);
    const change = (next: Partial<Draft>) => draft && setDraft({ ...draft, ...next });
    const save = async (event: FormEvent) => {
        event.preventDefault();
        if (!draft) return;
        const wrong = [draft.days, ...draft.tags.map((rule) => rule.days)].map(daysProblem).find((one) => one !== null);
        const unnamed = draft.tags.some((rule) => !rule.tag.trim());
        setProblem(wrong ?? (unnamed ? "Each rule needs the name of a tag." : null));
        if (wrong || unnamed) return;
        setBusy(true);
        setError(null);
        try {
            const value = await api.setRetention({
                days: Number(draft.days),
                tags: draft.tags.map((rule) => ({ tag: rule.tag.trim(), days: Number(rule.days) })),
            });
            setDraft(draftOf(value));
            toast("Saved", { tone: "good" });
        } catch (failure) {
            setError(asApiError(failure));
        }
        setBusy(false);
    };
    return (
        <section className="panel" aria-label="Recordings">
            <h2>How long recordings are kept</h2>
            {error && <Problem compact error={error} retry={draft ? undefined : fetch} />}
            {!draft && !error && <Skeleton rows={2} />}
            {draft && (
                <form className="retention" noValidate onSubmit={(event) => void save(event)} data-testid="retention">
                    <p className="muted">
                        In days from the end of a session; 0 is for ever. Of several tags of a host the longest rule
                        holds. What is past its time is deleted with its key; a legal hold keeps it.
                    </p>
                    <div className="retention-row">
                        <label htmlFor="retention-days">All hosts</label>
                        <input
                            id="retention-days"
                            type="number"
                            inputMode="numeric"
                            min={0}
                            max={MOST_DAYS}
                            value={draft.days}
                            onChange={(event) => change({ days: event.target.value })}
                            data-testid="retention-days"
                        />
                    </div>
                    {draft.tags.map((rule, index) => (
                        <div className="retention-row" key={index}>
                            <input
                                type="text"
                                aria-label={`Tag of rule ${index + 1}`}
                                placeholder="tag"
                                maxLength={64}
                                value={rule.tag}
                                onChange={(event) =>
                                    change({ tags: replaced(draft.tags, index, { ...rule, tag: event.target.value }) })}
                                data-testid="retention-tag"
                            />
                            <input
                                type="number"
                                inputMode="numeric"
                                min={0}
                                max={MOST_DAYS}
                                aria-label={`Days of rule ${index + 1}`}
                                value={rule.days}
                                onChange={(event) =>
                                    change({ tags: replaced(draft.tags, index, { ...rule, days: event.target.value }) })}
                                data-testid="retention-tag-days"
                            />
                            <Button
                                tone="quiet"
                                icon="close"
                                aria-label={`Remove the rule for ${rule.tag || "this tag"}`}
                                onClick={() => change({ tags: draft.tags.filter((_, other) => other !== index) })}
                            />
                        </div>
                    ))}
                    {problem && <p className="field-note bad" role="alert">{problem}</p>}
                    <div className="form-actions spread-actions">
                        <Button
                            icon="plus"
                            onClick={() => change({ tags: [...draft.tags, { tag: "", days: "365" }] })}
                            data-testid="retention-add"
                        >
                            Rule for a tag
                        </Button>
                        <Button tone="primary" type="submit" busy={isBusy} data-testid="retention-save">Save</Button>
                    </div>
                </form>
            )}
        </section>
    );
}
