import { useEffect, useState } from "react";
import { closePalette } from "../app/palette";
import { go } from "../app/router";
import { load } from "../app/session";
import { useStore } from "../app/store";
import type { Macro } from "../api/types";
import { broadcast } from "../terminal/broadcast";
import { useChannel } from "../terminal/hooks";
import type { TerminalChannel } from "../terminal/channel";
import { Button, Dialog, Field } from "../ui/controls";
import { Empty, Listing } from "../ui/display";
import { Icon } from "../ui/Icon";
import { inert } from "../ui/text";
import { fuzzyScore } from "../palette/fuzzy";
import { filled, isComplete, placeholders } from "./placeholders";

const encoder = new TextEncoder();

/** Chooses a macro, asks for what it needs, shows what will be typed, and types it. */
export function MacroPicker({ session }: { session: string }) {
    const [macro, setMacro] = useState<Macro | null>(null);
    const channel = broadcast.channel(session);
    if (!channel) return null;
    return macro
        ? <MacroForm macro={macro} channel={channel} back={() => setMacro(null)} />
        : <MacroList choose={setMacro} />;
}

function MacroList({ choose }: { choose: (macro: Macro) => void }) {
    const macros = useStore((s) => s.macros);
    const [text, setText] = useState("");
    useEffect(() => void load("macros"), []);
    return (
        <Dialog
            title="Macros"
            onClose={closePalette}
            testid="macro-picker"
            actions={
                <Button
                    icon="edit"
                    onClick={() => {
                        closePalette();
                        go("/macros");
                    }}
                >
                    Edit macros
                </Button>
            }
        >
            <input
                type="search"
                className="search-input"
                placeholder="Find a macro"
                aria-label="Find a macro"
                data-first-focus
                value={text}
                onChange={(event) => setText(event.target.value)}
                data-testid="macro-search"
            />
            <Listing
                value={macros}
                reload={() => void load("macros")}
                empty={
                    <Empty icon="macro" title="There are no macros yet">
                        A macro is a line that you type often, with places to fill in.
                    </Empty>
                }
            >
                {(all) => (
                    <ul className="macro-list">
                        {all.filter((one) => fuzzyScore(`${one.name} ${one.text}`, text) > 0).map((one) => (
                            <li key={one.id}>
                                <button
                                    type="button"
                                    className="macro-row"
                                    data-testid="macro-choose"
                                    onClick={() => choose(one)}
                                >
                                    <Icon name="macro" />
                                    <span>
                                        <strong>{inert(one.name, 80)}</strong>
                                        <code>{inert(one.text, 120)}</code>
                                    </span>
                                    {one.shared && <small className="tag">shared</small>}
                                </button>
                            </li>
                        ))}
                    </ul>
                )}
            </Listing>
        </Dialog>
    );
}

function MacroForm({ macro, channel, back }: { macro: Macro; channel: TerminalChannel; back: () => void }) {
    const asked = placeholders(macro.text);
    const [values, setValues] = useState<Record<string, string>>(
        Object.fromEntries(asked.map(({ name, initial }) => [name, initial])),
    );
    const { seat } = useChannel(channel);
    const terminals = broadcast.members.includes(channel.sessionId) ? broadcast.members.length : 1;
    const isReady = isComplete(macro.text, values);
    const type = (runs: boolean) => {
        const keys = filled(macro.text, values).replace(/\r?\n/g, "\r").replace(/\r$/, "");
        broadcast.type(channel, encoder.encode(keys + (runs ? "\r" : "")));
        closePalette();
    };
    return (
        <Dialog
            title={inert(macro.name, 80)}
            onClose={closePalette}
            testid="macro-form"
            actions={
                <>
                    <Button icon="back" onClick={back}>Others</Button>
                    <Button
                        disabled={!isReady || !channel.mayType}
                        data-testid="macro-type"
                        onClick={() => type(false)}
                    >
                        Type it only
                    </Button>
                    <Button
                        tone="primary"
                        icon="macro"
                        disabled={!isReady || !channel.mayType}
                        data-testid="macro-run"
                        onClick={() => type(true)}
                    >
                        Run
                    </Button>
                </>
            }
        >
            {macro.description && <p className="muted">{inert(macro.description, 400)}</p>}
            {asked.map(({ name, isRaw }, index) => (
                <Field
                    key={name}
                    label={name}
                    hint={isRaw ? "Typed as it is" : undefined}
                    value={values[name] ?? ""}
                    autoCapitalize="off"
                    autoComplete="off"
                    spellCheck={false}
                    data-first-focus={index === 0 || undefined}
                    data-testid="macro-value"
                    onChange={(event) => setValues({ ...values, [name]: event.target.value })}
                />
            ))}
            <div>
                <p className="label">
                    Will be typed into {terminals > 1 ? `${terminals} terminals` : inert(seat?.host.alias, 60)}
                </p>
                <pre className="preview" data-testid="macro-preview">{filled(macro.text, values)}</pre>
            </div>
            {!channel.mayType && <p className="muted">You don't have the keyboard: nothing can be typed now.</p>}
        </Dialog>
    );
}
