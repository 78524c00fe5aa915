import { type FormEvent, type RefObject, useEffect, useState } from "react";
import type { RecordingHit } from "../api/types";
import { Button } from "../ui/controls";
import { Problem } from "../ui/display";
import { Icon } from "../ui/Icon";
import { clock } from "../ui/text";
import { hitAt } from "./hits";
import { Marked, placeWords, useRecordingSearch } from "./RecordingSearch";

interface PlayerSearchProps {
    recording: string;
    initial: string;
    input: RefObject<HTMLInputElement>;
    position: number;
    onHits: (hits: RecordingHit[]) => void;
    seek: (moment: number) => void;
}

/** Looks for a text in this recording and goes to the second at which it was there. */
export function PlayerSearch({ recording, initial, input, position, onHits, seek }: PlayerSearchProps) {
    const [text, setText] = useState(initial);
    const [asked, setAsked] = useState(initial);
    const { state, error, isBusy, run, clear } = useRecordingSearch(recording);
    useEffect(() => {
        if (initial) void run(initial, "all", null);
    }, [initial]);
    useEffect(() => onHits(state?.hits ?? []), [state]);
    const submit = (event: FormEvent) => {
        event.preventDefault();
        setAsked(text.trim());
        if (text.trim()) void run(text.trim(), "all", null);
        else clear();
    };
    const current = state ? hitAt(state.hits, position) : -1;
    return (
        <div className="player-search">
            <form role="search" onSubmit={submit}>
                <div className="search">
                    <Icon name="search" />
                    <input
                        ref={input}
                        type="search"
                        placeholder="Search in this recording"
                        aria-label="Search in this recording"
                        maxLength={200}
                        value={text}
                        onChange={(event) => {
                            setText(event.target.value);
                            if (event.target.value === "") clear();
                        }}
                        onKeyDown={(event) => event.key === "Escape" && event.currentTarget.blur()}
                        data-testid="player-search"
                    />
                </div>
                <Button type="submit" busy={isBusy} disabled={!text.trim()} data-testid="player-search-run">
                    Find
                </Button>
            </form>
            {error && <Problem compact error={error} retry={() => void run(asked, "all", state)} />}
            {state && (
                <>
                    <p className="muted" role="status" data-testid="player-found">
                        {state.hits.length === 0
                            ? "Nothing found"
                            : `${state.hits.length}${state.next ? " and more" : ""} found`}
                    </p>
                    {state.hits.length > 0 && (
                        <ol className="player-hits">
                            {state.hits.map((hit, index) => (
                                <li key={index}>
                                    <button
                                        type="button"
                                        aria-current={index === current || undefined}
                                        onClick={() => seek(hit.time)}
                                        data-testid="player-hit"
                                    >
                                        <span className="tabular">{clock(hit.time)}</span>
                                        <span className="search-who">{placeWords(hit)}</span>
                                        <code><Marked line={hit.line} text={asked} /></code>
                                    </button>
                                </li>
                            ))}
                        </ol>
                    )}
                    {state.next && (
                        <Button small busy={isBusy} onClick={() => void run(asked, "all", state)}>Search on</Button>
                    )}
                </>
            )}
        </div>
    );
}
