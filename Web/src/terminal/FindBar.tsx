import { useEffect, useRef, useState } from "react";
import { Button } from "../ui/controls";
import { isDark } from "../app/theme";
import type { TerminalScreen } from "./screen";

interface Found {
    index: number;
    count: number;
}

/** As many as the search add-on marks; beyond it only says that there are more. */
const MOST_MARKED = 1_000;

/** Finds words in the screen and its scrollback, marks them all and goes from one to the next. */
export function FindBar({ screen, onClose }: { screen: TerminalScreen; onClose: () => void }) {
    const [text, setText] = useState("");
    const [isCased, setCased] = useState(false);
    const [isPattern, setPattern] = useState(false);
    const [found, setFound] = useState<Found | null>(null);
    const [isBroken, setBroken] = useState(false);
    const field = useRef<HTMLInputElement>(null);
    useEffect(() => {
        const results = screen.search.onDidChangeResults(({ resultIndex, resultCount }) =>
            setFound({ index: resultIndex, count: resultCount })
        );
        field.current?.focus();
        return () => {
            results.dispose();
            screen.search.clearDecorations();
        };
    }, [screen]);
    const find = (words: string, forward: boolean, incremental = false) => {
        if (words === "") {
            screen.search.clearDecorations();
            return setFound(null);
        }
        const isValid = !isPattern || isExpression(words);
        setBroken(!isValid);
        if (!isValid) return;
        const options = { caseSensitive: isCased, regex: isPattern, incremental, decorations: marks() };
        const hit = forward ? screen.search.findNext(words, options) : screen.search.findPrevious(words, options);
        if (!hit) setFound({ index: -1, count: 0 });
    };
    useEffect(() => find(text, false, true), [text, isCased, isPattern]);
    const nothing = text !== "" && !isBroken && found?.count === 0;
    return (
        <div className="find-bar" role="search" data-testid="find-bar">
            <input
                ref={field}
                type="search"
                className="search-input"
                aria-label="Find in the terminal"
                placeholder="Find in scrollback"
                value={text}
                aria-invalid={nothing || isBroken || undefined}
                data-testid="find-text"
                onChange={(event) => setText(event.target.value)}
                onKeyDown={(event) => {
                    if (event.key === "Enter") find(text, event.shiftKey);
                    if (event.key === "Escape") {
                        event.stopPropagation();
                        onClose();
                    }
                }}
            />
            <span className="find-count" role="status" data-testid="find-count">{says(text, isBroken, found)}</span>
            <button
                type="button"
                className="find-option"
                aria-pressed={isCased}
                aria-label="Match upper and lower case"
                title="Match upper and lower case"
                data-testid="find-case"
                onClick={() => setCased(!isCased)}
            >
                Aa
            </button>
            <button
                type="button"
                className="find-option"
                aria-pressed={isPattern}
                aria-label="Regular expression"
                title="Regular expression"
                data-testid="find-pattern"
                onClick={() => setPattern(!isPattern)}
            >
                .*
            </button>
            <Button small tone="quiet" icon="arrow-up" aria-label="Earlier" title="Enter" onClick={() => find(text, false)} />
            <Button
                small
                tone="quiet"
                icon="arrow-down"
                aria-label="Later"
                title="Shift+Enter"
                onClick={() => find(text, true)}
            />
            <Button small tone="quiet" icon="close" aria-label="Close the search" onClick={onClose} />
        </div>
    );
}

function says(text: string, isBroken: boolean, found: Found | null): string {
    if (text === "") return "";
    if (isBroken) return "not a pattern";
    if (!found || found.count === 0) return "nothing";
    if (found.index < 0) return found.count >= MOST_MARKED ? `over ${MOST_MARKED}` : `${found.count}`;
    return `${found.index + 1} of ${found.count}`;
}

function isExpression(text: string): boolean {
    try {
        new RegExp(text);
        return true;
    } catch {
        return false;
    }
}

const marks = () =>
    isDark()
        ? {
            matchBackground: "#4b4420",
            matchOverviewRuler: "#e3b95c",
            activeMatchBackground: "#8a5a00",
            activeMatchColorOverviewRuler: "#57d3c0",
        }
        : {
            matchBackground: "#f2e3b0",
            matchOverviewRuler: "#9a6700",
            activeMatchBackground: "#f0b93a",
            activeMatchColorOverviewRuler: "#0b7a6e",
        };
