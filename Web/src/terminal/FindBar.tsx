import { useEffect, useRef, useState } from "react";
import { Button } from "../ui/controls";
import { isLightTerminal } from "./letters";
import type { TerminalScreen } from "./screen";
import { type Found, MOST_MATCHES } from "./scrollbackSearch";

/** Finds words in the screen and its scrollback, marks them all and goes from one to the next. */
export function FindBar({ screen, onClose }: { screen: TerminalScreen; onClose: () => void }) {
    const [text, setText] = useState("");
    const [isCased, setCased] = useState(false);
    const [isPattern, setPattern] = useState(false);
    const [found, setFound] = useState<Found | null>(null);
    const [isBroken, setBroken] = useState(false);
    const field = useRef<HTMLInputElement>(null);
    useEffect(() => {
        field.current?.focus();
        return () => screen.search.clear();
    }, [screen]);
    const find = (step: -1 | 0 | 1) => {
        if (text === "") {
            screen.search.clear();
            setBroken(false);
            return setFound(null);
        }
        const result = screen.search.find(text, { isCased, isPattern }, step, colours());
        setBroken(result === null);
        setFound(result);
    };
    useEffect(() => find(0), [text, isCased, isPattern]);
    const nothing = found?.count === 0;
    return (
        <div className="find-bar" role="search" data-testid="find-bar">
            <input
                ref={field}
                type="search"
                className="search-input"
                aria-label="Find in the terminal"
                placeholder="Find in scrollback"
                autoCapitalize="off"
                autoCorrect="off"
                spellCheck={false}
                value={text}
                aria-invalid={nothing || isBroken || undefined}
                data-testid="find-text"
                onChange={(event) => setText(event.target.value)}
                onKeyDown={(event) => {
                    if (event.key === "Enter") find(event.shiftKey ? 1 : -1);
                    if (event.key === "Escape") {
                        event.stopPropagation();
                        onClose();
                    }
                }}
            />
            <span className="find-count" role="status" data-testid="find-count">{says(isBroken, found)}</span>
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
            <Button small tone="quiet" icon="arrow-up" aria-label="Earlier" title="Enter" onClick={() => find(-1)} />
            <Button
                small
                tone="quiet"
                icon="arrow-down"
                aria-label="Later"
                title="Shift+Enter"
                onClick={() => find(1)}
            />
            <Button small tone="quiet" icon="close" aria-label="Close the search" onClick={onClose} />
        </div>
    );
}

function says(isBroken: boolean, found: Found | null): string {
    if (isBroken) return "not a pattern";
    if (!found) return "";
    if (found.count === 0) return "nothing";
    return `${found.index + 1} of ${found.isCut ? `over ${MOST_MATCHES}` : found.count}`;
}

const colours = () =>
    isLightTerminal() ? { mark: "#f2e3b0", ruler: "#9a6700" } : { mark: "#4b4420", ruler: "#e3b95c" };
