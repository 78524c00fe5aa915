import { type Action, useActions } from "../app/actions";
import { closePalette } from "../app/palette";
import { Dialog, shownKeys } from "../ui/controls";

const ofTheBrowser: Pick<Action, "id" | "label" | "keys" | "group">[] = [
    { id: "paste", label: "Paste", keys: "Ctrl+Shift+V", group: "This terminal" },
    { id: "scroll", label: "Scroll back", keys: "Shift+Page Up", group: "This terminal" },
];
const groups = ["This terminal", "Panes", "Panels", "Page"] as const;

/** The keys that are the page's; every other one is the program's. */
export function KeysHelp() {
    const actions = [...useActions(), ...ofTheBrowser].filter((action) => action.keys);
    return (
        <Dialog title="Keys of the page" onClose={closePalette} testid="shortcuts-dialog">
            <p className="muted">Every other key, Tab among them, goes to the program in the terminal.</p>
            {groups.map((group) => {
                const own = actions.filter((action) => action.group === group);
                return own.length > 0 && (
                    <section key={group} className="shortcut-group" aria-label={group}>
                        <h3>{group}</h3>
                        <dl className="shortcuts">
                            {own.map((action) => (
                                <div key={action.id}>
                                    <dt>
                                        <kbd>{shownKeys(action.keys ?? "")}</kbd>
                                    </dt>
                                    <dd>{action.label}</dd>
                                </div>
                            ))}
                        </dl>
                    </section>
                );
            })}
        </Dialog>
    );
}
