import { type FormEvent, useEffect, useRef, useState } from "react";
import { api, type ApiError, asApiError } from "../api/client";
import type { RecordingHit, SearchScope } from "../api/types";
import { Button } from "../ui/controls";
import { Empty, EnvironmentLabel, Problem } from "../ui/display";
import { Icon } from "../ui/Icon";
import { clock, fullTime, inert } from "../ui/text";
import { SCOPES } from "./scopes";

export interface SearchState {
    hits: RecordingHit[];
    /** Where the answer stopped; null when everything was looked through. */
    next: string | null;
    searched: number;
    total: number;
    unreadable: string[];
}

/** One search and its continuation; a newer one takes the place of an older one that is still under way. */
export function useRecordingSearch(recording?: string) {
    const [state, setState] = useState<SearchState | null>(null);
    const [error, setError] = useState<ApiError | null>(null);
    const [isBusy, setBusy] = useState(false);
    const current = useRef<AbortController | null>(null);
    useEffect(() => () => current.current?.abort(), []);
    const run = async (text: string, scope: SearchScope, before: SearchState | null) => {
        current.current?.abort();
        const stop = (current.current = new AbortController());
        setBusy(true);
        setError(null);
        if (!before) setState(null);
        try {
            const query = new URLSearchParams({ q: text, in: scope });
            if (recording) query.set("recording", recording);
            if (before?.next) query.set("from", before.next);
            const found = await api.searchRecordings(query, stop.signal);
            if (stop.signal.aborted) return;
            setState({
                ...found,
                next: found.next ?? null,
                hits: [...(before?.hits ?? []), ...found.hits],
                unreadable: [...new Set([...(before?.unreadable ?? []), ...found.unreadable])],
            });
        } catch (problem) {
            if (!stop.signal.aborted) setError(asApiError(problem));
        }
        if (current.current === stop) setBusy(false);
    };
    const clear = () => {
        current.current?.abort();
        setState(null);
        setError(null);
        setBusy(false);
    };
    return { state, error, isBusy, run, clear };
}

/** A line with what was looked for made visible in it. */
export function Marked({ line, text }: { line: string; text: string }) {
    const clean = inert(line.trim(), 300);
    const at = text ? clean.toLowerCase().indexOf(text.toLowerCase()) : -1;
    if (at < 0) return <>{clean}</>;
    return (
        <>
            {clean.slice(0, at)}
            <mark>{clean.slice(at, at + text.length)}</mark>
            {clean.slice(at + text.length)}
        </>
    );
}

const PLACE_WORDS: Record<string, string> = {
    input: "typed",
    command: "ran",
    chat: "wrote",
    marker: "marked",
    file: "file",
};

/** Who and how, before a line. */
export function placeWords(hit: RecordingHit): string {
    const word = PLACE_WORDS[hit.place];
    return word ? [hit.actor && inert(hit.actor, 40), word].filter(Boolean).join(" ") : "";
}

/** "Who ran this?" over all recordings that one may see. The address holds the question. */
export function SearchInside({ text, scope, ask }: {
    text: string;
    scope: SearchScope;
    ask: (text: string, scope: SearchScope) => void;
}) {
    const [draft, setDraft] = useState(text);
    const { state, error, isBusy, run, clear } = useRecordingSearch();
    useEffect(() => {
        setDraft(text);
        if (text) void run(text, scope, null);
        else clear();
    }, [text, scope]);
    const submit = (event: FormEvent) => {
        event.preventDefault();
        if (draft.trim() === text && text) void run(text, scope, null);
        else ask(draft.trim(), scope);
    };
    return (
        <>
            <form className="filters" role="search" onSubmit={submit}>
                <div className="search">
                    <Icon name="search" />
                    <input
                        type="search"
                        placeholder="A command, or a word of its output"
                        aria-label="Search inside all recordings"
                        maxLength={200}
                        value={draft}
                        onChange={(event) => setDraft(event.target.value)}
                        data-testid="search-inside"
                    />
                </div>
                <select
                    aria-label="Where to look"
                    value={scope}
                    onChange={(event) => ask(draft.trim(), event.target.value as SearchScope)}
                    data-testid="search-scope"
                >
                    {SCOPES.map((one) => <option key={one.value} value={one.value}>{one.label}</option>)}
                </select>
                <Button tone="primary" type="submit" busy={isBusy} disabled={!draft.trim()} data-testid="search-run">
                    Search
                </Button>
            </form>
            {error && <Problem error={error} retry={() => void run(text, scope, state)} />}
            {!text && (
                <Empty icon="search" title="Who ran it, and when?">
                    Looks through what was typed, shown, run and written in every recording that you may see. What was
                    typed unseen is in none of them.
                </Empty>
            )}
            {state && <Found state={state} text={text} isBusy={isBusy} more={() => void run(text, scope, state)} />}
        </>
    );
}

function Found({ state, text, isBusy, more }: {
    state: SearchState;
    text: string;
    isBusy: boolean;
    more: () => void;
}) {
    const groups: RecordingHit[][] = [];
    for (const hit of state.hits) {
        const last = groups[groups.length - 1];
        if (last?.[0]?.recording.id === hit.recording.id) last.push(hit);
        else groups.push([hit]);
    }
    return (
        <>
            <p className="muted search-progress" role="status" data-testid="search-progress">
                {state.hits.length === 0 ? "Nothing" : `${state.hits.length} ${state.hits.length === 1 ? "place" : "places"}`}
                {" found"}
                {state.next
                    ? `; ${state.searched} of ${state.total} recordings looked through`
                    : ` in ${state.total} ${state.total === 1 ? "recording" : "recordings"}`}
                {state.unreadable.length > 0 && `; ${state.unreadable.length} can't be read`}
            </p>
            <ol className="search-groups" data-testid="search-results">
                {groups.map((hits, index) => {
                    const recording = hits[0]?.recording;
                    if (!recording) return null;
                    return (
                        <li key={`${recording.id}-${index}`} className="panel search-group">
                            <h2>
                                {inert(recording.host.alias, 60)}{" "}
                                <EnvironmentLabel environment={recording.host.environment} />
                                <span className="muted">
                                    {inert(recording.owner.name, 40)}, {fullTime(recording.startedAt)}
                                </span>
                            </h2>
                            <ol>
                                {hits.map((hit, number) => (
                                    <li key={number}>
                                        <a
                                            href={`#/recordings/${encodeURIComponent(recording.id)}?t=${
                                                hit.time.toFixed(3)
                                            }&q=${encodeURIComponent(text)}`}
                                            data-testid="search-hit"
                                        >
                                            <span className="tabular">{clock(hit.time)}</span>
                                            <span className="search-who">{placeWords(hit)}</span>
                                            <code><Marked line={hit.line} text={text} /></code>
                                        </a>
                                    </li>
                                ))}
                            </ol>
                        </li>
                    );
                })}
            </ol>
            {state.next && (
                <Button busy={isBusy} onClick={more} data-testid="search-more">Search on</Button>
            )}
        </>
    );
}
