import { type FormEvent, useEffect, useState } from "react";
import { api, type ApiError, asApiError } from "../api/client";
import type { Macro, NewMacro } from "../api/types";
import { load } from "../app/session";
import { toast, useMay, useStore } from "../app/store";
import { Button, Dialog, Field, Switch } from "../ui/controls";
import { Empty, Listing, PageHead, Problem } from "../ui/display";
import { isNarrow } from "../ui/narrow";
import { inert } from "../ui/text";
import { placeholders } from "./placeholders";

/** Lines that are typed often: one's own, and those that an administrator shares with everybody. */
export function Macros() {
    const macros = useStore((s) => s.macros);
    const [edited, setEdited] = useState<Macro | "new" | null>(null);
    useEffect(() => void load("macros"), []);
    return (
        <>
            <PageHead title="Macros" note={`Typed into a terminal from its menu${isNarrow() ? "" : ", or by Ctrl+Shift+O"}.`}>
                <Button tone="primary" icon="plus" data-testid="macro-add" onClick={() => setEdited("new")}>
                    New macro
                </Button>
            </PageHead>
            <Listing
                value={macros}
                reload={() => void load("macros")}
                empty={
                    <Empty
                        icon="macro"
                        title="There are no macros yet"
                        action={<Button onClick={() => setEdited("new")}>Write one</Button>}
                    >
                        {"Such as "}
                        <code>{"journalctl -u {{service=nginx}} -n 100"}</code>
                        {": what stands in braces is asked for."}
                    </Empty>
                }
            >
                {(all) => (
                    <ul className="panel macro-list">
                        {all.map((macro) => (
                            <li key={macro.id} className="macro-row" data-testid="macro-row" data-name={macro.name}>
                                <span>
                                    <strong>{inert(macro.name, 80)}</strong>
                                    <code>{inert(macro.text, 200)}</code>
                                    {macro.description && <small className="muted">{inert(macro.description, 200)}</small>}
                                </span>
                                {macro.shared && (
                                    <small className="tag">
                                        {macro.mayEdit ? "shared" : `shared by ${inert(macro.owner.name, 40)}`}
                                    </small>
                                )}
                                {macro.mayEdit && (
                                    <Button
                                        tone="quiet"
                                        icon="edit"
                                        aria-label={`Edit ${inert(macro.name, 80)}`}
                                        data-testid="macro-edit"
                                        onClick={() => setEdited(macro)}
                                    />
                                )}
                            </li>
                        ))}
                    </ul>
                )}
            </Listing>
            {edited && <MacroEditor macro={edited === "new" ? null : edited} close={() => setEdited(null)} />}
        </>
    );
}

const empty: NewMacro = { name: "", text: "", description: "", shared: false };

function MacroEditor({ macro, close }: { macro: Macro | null; close: () => void }) {
    const mayShare = useMay("macro.share");
    const [draft, setDraft] = useState<NewMacro>(macro ?? empty);
    const [error, setError] = useState<ApiError | null>(null);
    const [isBusy, setBusy] = useState(false);
    const finish = async (act: () => Promise<unknown>, done: string) => {
        setBusy(true);
        setError(null);
        try {
            await act();
            toast(done, { tone: "good" });
            void load("macros");
            close();
        } catch (problem) {
            setError(asApiError(problem));
        }
        setBusy(false);
    };
    const save = (event: FormEvent) => {
        event.preventDefault();
        const { name, text, description, shared } = draft;
        const body = { name, text, description, shared };
        void finish(() => (macro ? api.updateMacro(macro.id, body) : api.addMacro(body)), "The macro is saved");
    };
    const asked = placeholders(draft.text).map(({ name }) => name);
    return (
        <Dialog
            title={macro ? "Macro" : "New macro"}
            onClose={close}
            testid="macro-editor"
            actions={
                <>
                    {macro && (
                        <Button
                            tone="caution"
                            icon="trash"
                            disabled={isBusy}
                            data-testid="macro-remove"
                            onClick={() => void finish(() => api.removeMacro(macro.id), "The macro is gone")}
                        >
                            Remove
                        </Button>
                    )}
                    <Button onClick={close}>Cancel</Button>
                    <Button tone="primary" type="submit" form="macro-form" busy={isBusy} data-testid="macro-save">
                        Save
                    </Button>
                </>
            }
        >
            <form id="macro-form" className="stack" onSubmit={save}>
                <Field
                    label="Name"
                    required
                    maxLength={80}
                    data-first-focus
                    value={draft.name}
                    error={error?.at("name")}
                    data-testid="macro-name"
                    onChange={(event) => setDraft({ ...draft, name: event.target.value })}
                />
                <div className={`field ${error?.at("text") ? "has-error" : ""}`}>
                    <label htmlFor="macro-text">What is typed</label>
                    <textarea
                        id="macro-text"
                        className="text-area mono"
                        rows={4}
                        required
                        maxLength={4_000}
                        spellCheck={false}
                        autoCapitalize="off"
                        placeholder={"systemctl restart {{service}}"}
                        value={draft.text}
                        aria-describedby="macro-text-note"
                        data-testid="macro-text"
                        onChange={(event) => setDraft({ ...draft, text: event.target.value })}
                    />
                    <p className="field-note" id="macro-text-note">
                        {error?.at("text") ?? (asked.length > 0
                            ? `Asks for: ${asked.join(", ")}.`
                            : "{{name}} is asked for, {{name=value}} with a value to begin with, {{name:raw}} typed unquoted.")}
                    </p>
                </div>
                <Field
                    label="What it is for"
                    maxLength={400}
                    value={draft.description}
                    onChange={(event) => setDraft({ ...draft, description: event.target.value })}
                />
                {mayShare && (
                    <div className="setting">
                        <div>
                            <strong>For everybody</strong>
                            <p className="muted">All who may type on a host see it and can use it.</p>
                        </div>
                        <Switch
                            label="For everybody"
                            checked={draft.shared}
                            testid="macro-shared"
                            onChange={(shared) => setDraft({ ...draft, shared })}
                        />
                    </div>
                )}
                {error && !error.field && <Problem compact error={error} />}
            </form>
        </Dialog>
    );
}

