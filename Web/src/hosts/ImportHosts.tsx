import { type FormEvent, useState } from "react";
import { api, type ApiError, asApiError } from "../api/client";
import type { Environment, ImportPlan } from "../api/types";
import { go } from "../app/router";
import { load } from "../app/session";
import { toast, useMay } from "../app/store";
import { Button, Choice, Field } from "../ui/controls";
import { NoPermission, PageHead, Problem } from "../ui/display";
import { environmentLabel, inert } from "../ui/text";

type Source = "list" | "dns";

const formats = [
    ["auto", "Find out"],
    ["ansible-ini", "Ansible inventory (INI)"],
    ["ansible-yaml", "Ansible inventory (YAML)"],
    ["ssh-config", "ssh_config"],
    ["csv", "CSV"],
] as const;

const actions = ["added", "changed", "unchanged", "skipped"] as const;

/** Hosts from a list that is there already: first what would change, then the change. */
export function ImportHosts() {
    const mayAdd = useMay("host.add");
    const [source, setSource] = useState<Source>("list");
    const [text, setText] = useState("");
    const [file, setFile] = useState<File | null>(null);
    const [format, setFormat] = useState<string>("auto");
    const [domain, setDomain] = useState("");
    const [username, setUsername] = useState("");
    const [environment, setEnvironment] = useState<Environment | "">("");
    const [plan, setPlan] = useState<ImportPlan | null>(null);
    const [error, setError] = useState<ApiError | null>(null);
    const [busy, setBusy] = useState(false);
    const [isOver, setOver] = useState(false);

    if (!mayAdd) return <NoPermission permission="host.add" />;
    const run = async (dryRun: boolean) => {
        setBusy(true);
        setError(null);
        try {
            const made = source === "dns"
                ? await api.importServices({
                    name: domain.trim(),
                    dryRun,
                    ...(username.trim() ? { username: username.trim() } : {}),
                    ...(environment ? { environment } : {}),
                })
                : await api.importHosts(
                    file ?? new Blob([text]),
                    new URLSearchParams({
                        format,
                        name: file?.name ?? "",
                        dryRun: String(dryRun),
                        username: username.trim(),
                        environment,
                    }),
                );
            setPlan(made);
            if (made.applied) {
                void load("hosts");
                toast(`Imported: ${made.added} new, ${made.changed} changed.`, {
                    tone: "good",
                    hint: made.added > 0 ? "What is new waits for its key to be confirmed." : undefined,
                });
                go("/hosts");
            }
        } catch (problem) {
            setError(asApiError(problem));
            if (dryRun) setPlan(null);
        }
        setBusy(false);
    };
    // What was looked at is what is imported.
    const edit = <T,>(set: (value: T) => void) => (value: T) => {
        setPlan(null);
        setError(null);
        set(value);
    };
    const isReady = source === "dns" ? domain.trim() !== "" : file !== null || text.trim() !== "";
    return (
        <div className="narrow">
            <PageHead title="Import hosts" note="New hosts are quarantined until somebody confirms their key.">
                <Button tone="quiet" onClick={() => go("/hosts")}>Cancel</Button>
            </PageHead>
            <form
                className="panel stack"
                data-testid="import-form"
                onSubmit={(event: FormEvent) => {
                    event.preventDefault();
                    void run(true);
                }}
            >
                <Choice
                    label="Where from"
                    value={source}
                    options={[{ value: "list", label: "A list" }, { value: "dns", label: "DNS (SRV)" }]}
                    onChange={edit(setSource)}
                    testid="import-source"
                />
                {source === "dns"
                    ? (
                        <Field
                            label="Domain or service name"
                            hint="example.org stands for _ssh._tcp.example.org."
                            value={domain}
                            autoComplete="off"
                            autoCapitalize="off"
                            data-testid="import-domain"
                            onChange={(event) => edit(setDomain)(event.target.value)}
                        />
                    )
                    : (
                        <>
                            <div className="field">
                                <div className="label-row">
                                    <label htmlFor="import-text">
                                        Ansible inventory, ssh_config or CSV
                                    </label>
                                    <label className="button plain small file-button">
                                        <span className="button-text">{file ? inert(file.name, 40) : "Choose a file"}</span>
                                        <input
                                            type="file"
                                            data-testid="import-file"
                                            onChange={(event) => edit(setFile)(event.target.files?.[0] ?? null)}
                                        />
                                    </label>
                                </div>
                                <textarea
                                    id="import-text"
                                    className={`text-area mono ${isOver ? "drop-here" : ""}`}
                                    rows={8}
                                    value={file ? "" : text}
                                    placeholder={file
                                        ? "The chosen file is imported."
                                        : "Paste it here, or drop a file.\n\n[web]\nweb-[01:04].example.org ansible_user=deploy"}
                                    spellCheck={false}
                                    data-testid="import-text"
                                    onChange={(event) => {
                                        setFile(null);
                                        edit(setText)(event.target.value);
                                    }}
                                    onDragOver={(event) => {
                                        event.preventDefault();
                                        setOver(true);
                                    }}
                                    onDragLeave={() => setOver(false)}
                                    onDrop={(event) => {
                                        event.preventDefault();
                                        setOver(false);
                                        const dropped = event.dataTransfer.files[0];
                                        if (dropped) edit(setFile)(dropped);
                                    }}
                                />
                            </div>
                            <div className="field">
                                <label htmlFor="import-format">Written as</label>
                                <select
                                    id="import-format"
                                    value={format}
                                    data-testid="import-format"
                                    onChange={(event) => edit(setFormat)(event.target.value)}
                                >
                                    {formats.map(([value, label]) => <option key={value} value={value}>{label}</option>)}
                                </select>
                            </div>
                        </>
                    )}
                <Field
                    label="User name where the list names none"
                    value={username}
                    autoComplete="off"
                    autoCapitalize="off"
                    data-testid="import-username"
                    onChange={(event) => edit(setUsername)(event.target.value)}
                />
                <div className="field">
                    <label htmlFor="import-environment">Environment where the list says none</label>
                    <select
                        id="import-environment"
                        value={environment}
                        onChange={(event) => edit(setEnvironment)(event.target.value as Environment | "")}
                    >
                        <option value="">Other</option>
                        {Object.entries(environmentLabel).filter(([name]) => name !== "other").map(([name, label]) => (
                            <option key={name} value={name}>{label}</option>
                        ))}
                    </select>
                </div>
                {error && <Problem compact error={error} testid="import-error" />}
                <div className="form-actions">
                    <Button
                        type="submit"
                        tone={plan ? "plain" : "primary"}
                        busy={busy && !plan}
                        disabled={!isReady}
                        data-testid="import-preview"
                    >
                        See what would change
                    </Button>
                </div>
            </form>
            {plan && <Preview plan={plan} busy={busy} run={() => void run(false)} />}
        </div>
    );
}

function Preview({ plan, busy, run }: { plan: ImportPlan; busy: boolean; run: () => void }) {
    const work = plan.added + plan.changed;
    const shown = plan.entries.filter((entry) => entry.action !== "unchanged");
    return (
        <section className="panel stack" aria-label="What would change" data-testid="import-plan">
            <p className="import-counts" role="status">
                {actions.map((action) => (
                    <span key={action} className="import-action" data-action={action} data-testid={`import-${action}`}>
                        {plan[action]} {action}
                    </span>
                ))}
            </p>
            {shown.length > 0 && (
                <div className="table-scroll">
                    <table className="table import-table">
                        <thead>
                            <tr>
                                <th scope="col">Host</th>
                                <th scope="col">What</th>
                                <th scope="col">Why, or what changes</th>
                            </tr>
                        </thead>
                        <tbody>
                            {shown.slice(0, 500).map((entry, index) => (
                                <tr key={`${entry.alias} ${index}`} data-testid="import-row" data-action={entry.action}>
                                    <td>
                                        <b>{inert(entry.alias, 80) || "?"}</b>
                                        <br />
                                        <span className="muted">{inert(entry.target || entry.place, 120)}</span>
                                    </td>
                                    <td>
                                        <span className="import-action" data-action={entry.action}>{entry.action}</span>
                                    </td>
                                    <td>
                                        {entry.changes.map((change) => (
                                            <div key={change.field}>
                                                {change.field}: {inert(change.from, 80) || "none"} →{" "}
                                                {inert(change.to, 80) || "none"}
                                            </div>
                                        ))}
                                        {entry.tags.length > 0 && entry.action === "added" && (
                                            <div>
                                                {entry.tags.slice(0, 6).map((tag) => (
                                                    <span key={tag} className="tag">{inert(tag, 30)}</span>
                                                ))}
                                            </div>
                                        )}
                                        {entry.note && <span className="muted">{inert(entry.note, 200)}</span>}
                                    </td>
                                </tr>
                            ))}
                        </tbody>
                    </table>
                    {shown.length > 500 && <p className="muted">and {shown.length - 500} more</p>}
                </div>
            )}
            <div className="form-actions">
                <Button tone="primary" busy={busy} disabled={work === 0} onClick={run} data-testid="import-apply">
                    {work === 0 ? "Nothing to import" : `Import ${work} ${work === 1 ? "host" : "hosts"}`}
                </Button>
            </div>
        </section>
    );
}
