import { type FormEvent, Fragment, useCallback, useEffect, useState } from "react";
import { api, type ApiError, asApiError } from "../api/client";
import type { AuditEntry, AuditVerification } from "../api/types";
import { useMay } from "../app/store";
import { Button } from "../ui/controls";
import { Empty, NoPermission, PageHead, Problem, Skeleton } from "../ui/display";
import { Icon } from "../ui/Icon";
import { fullTime, inert, shortTime } from "../ui/text";
import { actions } from "./actions";

const PAGE = 60;

interface Filter {
    action: string;
    actor: string;
    q: string;
}

const noFilter: Filter = { action: "", actor: "", q: "" };

export function Audit() {
    const mayRead = useMay("audit.read");
    const [filter, setFilter] = useState(noFilter);
    const [entries, setEntries] = useState<AuditEntry[] | null>(null);
    const [next, setNext] = useState<number | null>(null);
    const [error, setError] = useState<ApiError | null>(null);
    const [isBusy, setBusy] = useState(false);
    const [verification, verify, dismiss] = useVerify();
    const read = useCallback(async (wanted: Filter, before: number | null) => {
        setBusy(true);
        setError(null);
        const query = new URLSearchParams({ limit: String(PAGE) });
        if (before !== null) query.set("before", String(before));
        for (const key of ["action", "actor", "q"] as const) if (wanted[key].trim()) query.set(key, wanted[key].trim());
        try {
            const page = await api.audit(query);
            setEntries((already) => (before === null ? page.entries : [...(already ?? []), ...page.entries]));
            setNext(page.next);
        } catch (problem) {
            setError(asApiError(problem));
        }
        setBusy(false);
    }, []);
    useEffect(() => {
        if (mayRead) void read(noFilter, null);
    }, [mayRead, read]);
    if (!mayRead) return <NoPermission permission="audit.read" />;
    const apply = (wanted: Filter) => {
        setFilter(wanted);
        void read(wanted, null);
    };
    const submit = (event: FormEvent) => {
        event.preventDefault();
        void read(filter, null);
    };
    return (
        <>
            <PageHead title="Audit" note="Append-only; each entry carries the hash of the one before.">
                <Button icon="refresh" busy={isBusy} onClick={() => void read(filter, null)} aria-label="Read again" />
                <Button
                    tone="primary"
                    icon="audit"
                    busy={verification.isBusy}
                    onClick={() => void verify()}
                    data-testid="audit-verify"
                >
                    Verify
                </Button>
            </PageHead>
            {verification.error && <Problem compact error={verification.error} />}
            {verification.result && <VerifyAnswer result={verification.result} dismiss={dismiss} />}
            <form className="filters" role="search" onSubmit={submit}>
                <div className="search">
                    <Icon name="search" />
                    <input
                        type="search"
                        placeholder="Search"
                        aria-label="Search the audit log"
                        value={filter.q}
                        onChange={(event) => setFilter({ ...filter, q: event.target.value })}
                        data-testid="audit-search"
                    />
                </div>
                <select
                    aria-label="Action"
                    value={filter.action}
                    data-testid="audit-action"
                    onChange={(event) => apply({ ...filter, action: event.target.value })}
                >
                    <option value="">All actions</option>
                    {[...new Set([...actions, ...(entries ?? []).map((entry) => entry.action)])].map((action) => (
                        <option key={action} value={action}>{inert(action, 60)}</option>
                    ))}
                </select>
                <input
                    className="actor-input"
                    placeholder="Who"
                    aria-label="Who did it"
                    value={filter.actor}
                    data-testid="audit-actor"
                    onChange={(event) => setFilter({ ...filter, actor: event.target.value })}
                />
                <Button type="submit" data-testid="audit-apply">Filter</Button>
            </form>
            {error && <Problem error={error} retry={() => void read(filter, null)} />}
            {!entries && !error && <Skeleton rows={8} />}
            {entries?.length === 0 && (
                <Empty
                    icon="audit"
                    title="No entry matches"
                    action={<Button onClick={() => apply(noFilter)}>Clear the filters</Button>}
                />
            )}
            {entries && entries.length > 0 && (
                <table className="table stacking audit-table" data-testid="audit-table">
                    <thead>
                        <tr>
                            <th className="number">#</th>
                            <th>When</th>
                            <th>Who</th>
                            <th>What</th>
                            <th>On</th>
                            <th>Outcome</th>
                            <th>
                                <span className="offscreen">Details</span>
                            </th>
                        </tr>
                    </thead>
                    <tbody>{entries.map((entry) => <Entry key={entry.seq} entry={entry} />)}</tbody>
                </table>
            )}
            {next !== null && (
                <div className="form-actions centred">
                    <Button busy={isBusy} onClick={() => void read(filter, next)} data-testid="audit-more">
                        Earlier entries
                    </Button>
                </div>
            )}
        </>
    );
}

function Entry({ entry }: { entry: AuditEntry }) {
    const [isOpen, setOpen] = useState(false);
    const behalf = entry.actor.onBehalfOf;
    const details = Object.entries(entry.details ?? {});
    return (
        <Fragment>
            <tr data-testid="audit-row" data-action={entry.action} data-outcome={entry.outcome}>
                <td data-label="Number" className="number tabular muted">{entry.seq}</td>
                <td data-label="When" title={fullTime(entry.time)} className="tabular nowrap">
                    {shortTime(entry.time)}
                </td>
                <td data-label="Who">
                    <strong>{inert(entry.actor.name, 60)}</strong>
                    {behalf
                        ? (
                            <span className="muted">
                                {" for "}
                                {inert(
                                    typeof behalf === "object"
                                        ? String((behalf as { name?: string }).name ?? "somebody")
                                        : String(behalf),
                                    40,
                                )}
                            </span>
                        )
                        : null}
                    {entry.actor.kind !== "user" && <span className="tag">{inert(entry.actor.kind, 20)}</span>}
                </td>
                <td data-label="What">
                    <code>{inert(entry.action, 60)}</code>
                </td>
                <td data-label="On">
                    {entry.object ? inert(entry.object.name || entry.object.id, 80) : <span className="muted">–</span>}
                </td>
                <td data-label="Outcome">
                    <span className={`outcome ${entry.outcome}`}>{inert(entry.outcome, 24)}</span>
                </td>
                <td className="row-actions">
                    <Button
                        small
                        tone="quiet"
                        icon="down"
                        aria-expanded={isOpen}
                        aria-label={`Details of entry ${entry.seq}`}
                        onClick={() => setOpen(!isOpen)}
                        data-testid="audit-details"
                    />
                </td>
            </tr>
            {isOpen && (
                <tr className="audit-more">
                    <td colSpan={7}>
                        <dl className="facts">
                            {details.map(([name, value]) => (
                                <Fragment key={name}>
                                    <dt>{inert(name, 60)}</dt>
                                    <dd className="mono">
                                        {inert(typeof value === "string" ? value : JSON.stringify(value), 600)}
                                    </dd>
                                </Fragment>
                            ))}
                            {entry.actor.address && (
                                <>
                                    <dt>From</dt>
                                    <dd className="mono">{inert(entry.actor.address, 80)}</dd>
                                </>
                            )}
                            {entry.session && (
                                <>
                                    <dt>Session</dt>
                                    <dd className="mono">{inert(entry.session, 80)}</dd>
                                </>
                            )}
                            <dt>Time</dt>
                            <dd>{fullTime(entry.time)}</dd>
                            <dt>Hash</dt>
                            <dd className="fingerprint">{inert(entry.hash, 128)}</dd>
                        </dl>
                    </td>
                </tr>
            )}
        </Fragment>
    );
}

interface VerifyState {
    result: AuditVerification | null;
    error: ApiError | null;
    isBusy: boolean;
}

function useVerify(): [VerifyState, () => Promise<void>, () => void] {
    const [state, setState] = useState<VerifyState>({ result: null, error: null, isBusy: false });
    const verify = async () => {
        setState({ result: null, error: null, isBusy: true });
        try {
            setState({ result: await api.verifyAudit(), error: null, isBusy: false });
        } catch (problem) {
            setState({ result: null, error: asApiError(problem), isBusy: false });
        }
    };
    return [state, verify, () => setState({ result: null, error: null, isBusy: false })];
}

function VerifyAnswer({ result, dismiss }: { result: AuditVerification; dismiss: () => void }) {
    return (
        <div
            className={`verify-result ${result.ok ? "good" : "bad"}`}
            role="status"
            data-testid="audit-verification"
            data-ok={result.ok}
        >
            <Icon name={result.ok ? "check" : "alert"} />
            <p>
                {result.ok
                    ? `The chain holds: ${result.entries} entries, ${result.checkpoints} signed checkpoints.`
                    : `The log was changed. ${inert(result.problem?.sentence, 400)}${
                        result.problem?.seq != null ? ` (entry ${result.problem.seq})` : ""
                    }`}
            </p>
            <Button small tone="quiet" icon="close" aria-label="Dismiss" onClick={dismiss} />
        </div>
    );
}
