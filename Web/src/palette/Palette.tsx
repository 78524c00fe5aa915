import { useEffect, useId, useMemo, useRef, useState } from "react";
import { useActions } from "../app/actions";
import { closePalette, type PaletteQuestion } from "../app/palette";
import { load } from "../app/session";
import { store, useStore } from "../app/store";
import { shownKeys } from "../ui/controls";
import { EnvironmentLabel } from "../ui/display";
import { Icon } from "../ui/Icon";
import { inert } from "../ui/text";
import { BroadcastChoice } from "./BroadcastChoice";
import { fuzzyScore } from "./fuzzy";
import { MacroPicker } from "../macros/MacroPicker";
import { answers, type Entry, splitAnswers } from "./entries";
import { KeysHelp } from "./KeysHelp";

const MOST = 60;

/** One field that reaches everything: hosts, sessions, places and what can be done here. */
export default function Palette({ question }: { question: PaletteQuestion }) {
    switch (question.kind) {
        case "all":
        case "split":
            return <Finder question={question} />;
        case "broadcast":
            return <BroadcastChoice session={question.session} />;
        case "macros":
            return <MacroPicker session={question.session} />;
        case "keys":
            return <KeysHelp />;
    }
}

function Finder({ question }: { question: Extract<PaletteQuestion, { kind: "all" | "split" }> }) {
    const [text, setText] = useState("");
    const [chosen, setChosen] = useState(0);
    const dialog = useRef<HTMLDialogElement>(null);
    const list = useId();
    const actions = useActions();
    const hosts = useStore((s) => s.hosts.data);
    const live = useStore((s) => s.live.data);
    const open = useStore((s) => s.openTerminals);
    useEffect(() => {
        const before = document.activeElement;
        dialog.current?.showModal();
        void load("hosts");
        void load("live");
        return () => {
            if (before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
        };
    }, []);
    const all = useMemo(
        () => question.kind === "split" ? splitAnswers(question.session, question.axis) : answers(actions),
        [question, actions, hosts, live, open],
    );
    const shown = useMemo(() => sorted(all, text), [all, text]);
    useEffect(() => setChosen(0), [text]);
    const pick = (entry: Entry | undefined) => {
        if (!entry) return;
        closePalette();
        entry.run();
    };
    const keys = (event: React.KeyboardEvent) => {
        const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
        if (step) {
            event.preventDefault();
            const next = (chosen + step + shown.length) % Math.max(1, shown.length);
            setChosen(next);
            document.getElementById(`${list}-${next}`)?.scrollIntoView({ block: "nearest" });
        }
        if (event.key === "Enter") {
            event.preventDefault();
            pick(shown[chosen]);
        }
    };
    const title = question.kind === "split" ? "What goes into the new pane?" : "Go to a host, a session, or do something";
    return (
        <dialog
            ref={dialog}
            className="palette"
            aria-label={title}
            data-testid="palette"
            onCancel={(event) => {
                event.preventDefault();
                closePalette();
            }}
            onPointerDown={(event) => {
                if (event.target === dialog.current) closePalette();
            }}
        >
            <div className="palette-box">
                <div className="palette-field">
                    <Icon name="search" />
                    <input
                        type="text"
                        role="combobox"
                        aria-expanded="true"
                        aria-controls={list}
                        aria-activedescendant={shown.length > 0 ? `${list}-${chosen}` : undefined}
                        aria-label={title}
                        placeholder={title}
                        autoComplete="off"
                        spellCheck={false}
                        autoFocus
                        value={text}
                        data-testid="palette-text"
                        onChange={(event) => setText(event.target.value)}
                        onKeyDown={keys}
                    />
                    <kbd>Esc</kbd>
                </div>
                <ul className="palette-list" role="listbox" id={list} aria-label={title}>
                    {shown.map((entry, index) => (
                        <Option
                            key={entry.id}
                            id={`${list}-${index}`}
                            entry={entry}
                            heading={text === "" && shown[index - 1]?.group !== entry.group ? entry.group : null}
                            isChosen={index === chosen}
                            hover={() => setChosen(index)}
                            pick={() => pick(entry)}
                        />
                    ))}
                </ul>
                {shown.length === 0 && (
                    <p className="palette-nothing muted">
                        {store.get().hosts.error && !hosts ? "The hosts can't be loaded." : "Nothing is called that."}
                    </p>
                )}
            </div>
        </dialog>
    );
}

function sorted(entries: Entry[], text: string): Entry[] {
    if (text.trim() === "") return entries.slice(0, MOST);
    return entries.map((entry) => ({ entry, score: fuzzyScore(`${entry.label} ${entry.words ?? ""}`, text) }))
        .filter(({ score }) => score > 0)
        .sort((a, b) => b.score - a.score)
        .slice(0, MOST)
        .map(({ entry }) => entry);
}

function Option({ id, entry, heading, isChosen, hover, pick }: {
    id: string;
    entry: Entry;
    heading: string | null;
    isChosen: boolean;
    hover: () => void;
    pick: () => void;
}) {
    return (
        <>
            {heading && <li className="palette-heading" role="presentation">{heading}</li>}
            <li
                id={id}
                role="option"
                aria-selected={isChosen}
                className="palette-option"
                data-testid="palette-option"
                onPointerMove={hover}
                onClick={pick}
            >
                <Icon name={entry.icon} />
                <span className="palette-label">{inert(entry.label, 80)}</span>
                {entry.environment && <EnvironmentLabel environment={entry.environment} />}
                {entry.note && <small className="muted">{inert(entry.note, 60)}</small>}
                {entry.keys && <kbd>{shownKeys(entry.keys)}</kbd>}
            </li>
        </>
    );
}
