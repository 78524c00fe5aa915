import { useEffect, useMemo, useRef, useState } from "react";
import { api, asApiError } from "../api/client";
import type { Host } from "../api/types";
import { usePolling } from "../app/polling";
import { go } from "../app/router";
import { connect, type ConnectProblem, load } from "../app/session";
import { toastError, useMay, useStore } from "../app/store";
import { Button, Dialog } from "../ui/controls";
import { Empty, EnvironmentLabel, Listing, PageHead, Problem } from "../ui/display";
import { Icon } from "../ui/Icon";
import { ago, environmentLabel, fullTime, inert } from "../ui/text";
import { Quarantine } from "./Quarantine";
import { inUsefulOrder, matches, tagsOf } from "./search";

const environments = ["production", "staging", "development", "other"] as const;

export function Hosts() {
    const hosts = useStore((s) => s.hosts);
    const mayAdd = useMay("host.add");
    const [query, setQuery] = useState("");
    const [environment, setEnvironment] = useState<string | null>(null);
    const [tags, setTags] = useState<ReadonlySet<string>>(new Set());
    const [connecting, setConnecting] = useState<string | null>(null);
    const [problem, setProblem] = useState<ConnectProblem | null>(null);
    const search = useRef<HTMLInputElement>(null);
    usePolling(() => void load("hosts"), 8_000);
    useSlashKey(search);

    const shown = useMemo(
        () =>
            inUsefulOrder(
                (hosts.data ?? []).filter((host) =>
                    (!environment || host.environment === environment) &&
                    [...tags].every((tag) => (host.tags ?? []).includes(tag)) && matches(host, query)
                ),
            ),
        [hosts.data, environment, tags, query],
    );
    // What every host has would choose nothing.
    const known = useMemo(
        () => tagsOf(hosts.data ?? []).filter(({ count }) => count < (hosts.data ?? []).length).slice(0, 12),
        [hosts.data],
    );
    const start = async (host: Host) => {
        setConnecting(host.id);
        setProblem(await connect(host));
        setConnecting(null);
    };
    const count = (name: string) => (hosts.data ?? []).filter((host) => host.environment === name).length;
    const isEmpty = hosts.data?.length === 0;
    const kinds = environments.filter((name) => count(name) > 0);
    return (
        <>
            <PageHead
                title="Hosts"
                note={hosts.data && !isEmpty
                    ? `${hosts.data.length} ${hosts.data.length === 1 ? "host" : "hosts"}`
                    : undefined}
            >
                {mayAdd && (
                    <Button icon="upload" onClick={() => go("/hosts/import")} data-testid="host-import">Import</Button>
                )}
                {mayAdd && (
                    <Button
                        tone={isEmpty ? "plain" : "primary"}
                        icon="plus"
                        onClick={() => go("/hosts/add")}
                        data-testid="host-add"
                    >
                        Add a host
                    </Button>
                )}
            </PageHead>
            {hosts.data && !isEmpty && (
                <div className="filters">
                    <div className="search">
                        <Icon name="search" />
                        <input
                            ref={search}
                            type="search"
                            placeholder="Search by name, address or tag"
                            aria-label="Search hosts"
                            value={query}
                            data-testid="host-search"
                            onChange={(event) => setQuery(event.target.value)}
                            onKeyDown={(event) => {
                                const first = shown[0];
                                if (event.key === "Enter" && first?.may?.connect) void start(first);
                                if (event.key === "Escape") setQuery("");
                            }}
                        />
                        <kbd>/</kbd>
                    </div>
                    {kinds.length > 1 && (
                        <div className="chips" role="group" aria-label="Environment">
                            {kinds.map((name) => (
                                <button
                                    key={name}
                                    type="button"
                                    className="chip"
                                    data-environment={name}
                                    aria-pressed={environment === name}
                                    onClick={() => setEnvironment(environment === name ? null : name)}
                                >
                                    {environmentLabel[name]} <b>{count(name)}</b>
                                </button>
                            ))}
                        </div>
                    )}
                    {known.length > 0 && (
                        <div className="chips tag-chips" role="group" aria-label="Tags" data-testid="host-tags">
                            {known.map(({ tag, count }) => (
                                <button
                                    key={tag}
                                    type="button"
                                    className="chip plain"
                                    aria-pressed={tags.has(tag)}
                                    onClick={() => {
                                        const some = new Set(tags);
                                        if (!some.delete(tag)) some.add(tag);
                                        setTags(some);
                                    }}
                                >
                                    <Icon name="tag" size={14} />
                                    {inert(tag, 30)} <b>{count}</b>
                                </button>
                            ))}
                        </div>
                    )}
                </div>
            )}
            {mayAdd && <Quarantine />}
            <Listing
                value={hosts}
                reload={() => void load("hosts")}
                empty={
                    <Empty
                        icon="host"
                        title="No hosts yet"
                        action={mayAdd
                            ? (
                                <Button
                                    tone="primary"
                                    icon="plus"
                                    onClick={() => go("/hosts/add")}
                                >
                                    Add a host
                                </Button>
                            )
                            : null}
                    >
                        {mayAdd
                            ? "Add the first one: its address, its fingerprint, and how to sign in."
                            : "When somebody gives you a host, it appears here."}
                    </Empty>
                }
            >
                {() =>
                    shown.length === 0
                        ? (
                            <Empty
                                icon="search"
                                title="No host matches"
                                action={
                                    <Button
                                        onClick={() => {
                                            setQuery("");
                                            setEnvironment(null);
                                            setTags(new Set());
                                        }}
                                    >
                                        Clear the search
                                    </Button>
                                }
                            />
                        )
                        : (
                            <div className="host-list" data-testid="host-list">
                                {shown.map((host) => (
                                    <HostRow
                                        key={host.id}
                                        host={host}
                                        isConnecting={connecting === host.id}
                                        isBusy={connecting !== null}
                                        connect={() => void start(host)}
                                    />
                                ))}
                            </div>
                        )}
            </Listing>
            {problem && (
                <ConnectFailed
                    problem={problem}
                    onClose={() => setProblem(null)}
                    retry={() => {
                        setProblem(null);
                        void start(problem.host);
                    }}
                />
            )}
        </>
    );
}

function useSlashKey(field: React.RefObject<HTMLInputElement>) {
    useEffect(() => {
        const pressed = (event: KeyboardEvent) => {
            const target = event.target as HTMLElement;
            if (
                event.key !== "/" || event.ctrlKey || event.metaKey || /^(input|textarea|select)$/i.test(target.tagName)
            ) return;
            event.preventDefault();
            field.current?.focus();
        };
        document.addEventListener("keydown", pressed);
        return () => document.removeEventListener("keydown", pressed);
    }, [field]);
}

function HostRow(
    { host, isConnecting, isBusy, connect }: {
        host: Host;
        isConnecting: boolean;
        isBusy: boolean;
        connect: () => void;
    },
) {
    const live = host.activeSessions ?? 0;
    const endpoint = host.address
        ? `${host.username}@${host.address}${host.port === 22 ? "" : `:${host.port}`}`
        : "address not kept offline";
    return (
        <article
            className="host"
            data-environment={host.environment}
            data-testid="host-card"
            data-alias={host.alias}
            data-host={host.id}
        >
            <a className="host-main" href={`#/hosts/${encodeURIComponent(host.id)}`} data-testid="host-open">
                <h2>{inert(host.alias, 80)}</h2>
                <span className="host-endpoint">{inert(endpoint, 120)}</span>
            </a>
            <div className="host-environment">
                <EnvironmentLabel environment={host.environment} />
            </div>
            <div className="host-tags">
                {host.demonstration && <span className="tag demonstration">demonstration</span>}
                {(host.tags ?? []).slice(0, 5).map((tag) => <span key={tag} className="tag">{inert(tag, 30)}</span>)}
                {host.purpose && <span className="host-purpose">{inert(host.purpose, 80)}</span>}
            </div>
            {host.may && <Star host={host} />}
            <div className="host-use">
                {live > 0 && (
                    <a href="#/sessions" className="live-count" data-testid="host-live">
                        <i aria-hidden="true" />
                        {live} live
                    </a>
                )}
                <span title={host.lastUsedAt ? fullTime(host.lastUsedAt) : undefined}>
                    {host.lastUsedAt ? ago(host.lastUsedAt) : "not used yet"}
                </span>
            </div>
            <div className="host-act">
                {host.keyAlert
                    ? (
                        <Button
                            tone="danger"
                            icon="alert"
                            onClick={() => go(`/hosts/${encodeURIComponent(host.id)}/key`)}
                            data-testid="host-key-alert"
                        >
                            Key changed
                        </Button>
                    )
                    : (
                        <Button
                            tone="soft"
                            icon="terminal"
                            busy={isConnecting}
                            disabled={isBusy || !host.may?.connect}
                            onClick={connect}
                            title={host.may?.connect === false ? "It needs the permission session.start" : undefined}
                            data-testid="host-connect"
                        >
                            Connect
                        </Button>
                    )}
            </div>
        </article>
    );
}

/** One's own mark: favourites stand first. */
function Star({ host }: { host: Host }) {
    const [busy, setBusy] = useState(false);
    const mark = async () => {
        setBusy(true);
        try {
            await api.setFavourite(host.id, !host.favourite);
            await load("hosts");
        } catch (problem) {
            toastError(asApiError(problem));
        }
        setBusy(false);
    };
    return (
        <button
            type="button"
            className="host-star"
            aria-pressed={host.favourite}
            aria-label={`${inert(host.alias, 60)} is a favourite`}
            title={host.favourite ? "A favourite" : "Make it a favourite"}
            disabled={busy}
            data-testid="host-favourite"
            onClick={() => void mark()}
        >
            <Icon name={host.favourite ? "star-full" : "star"} size={18} />
        </button>
    );
}

export function ConnectFailed(
    { problem, onClose, retry }: { problem: ConnectProblem; onClose: () => void; retry: () => void },
) {
    return (
        <Dialog
            title={`${inert(problem.host.alias, 60)} can't be reached`}
            onClose={onClose}
            testid="connect-failed"
            actions={
                <>
                    <Button
                        onClick={() => {
                            onClose();
                            go(`/hosts/${encodeURIComponent(problem.host.id)}`);
                        }}
                    >
                        Host details
                    </Button>
                    <Button tone="primary" icon="refresh" onClick={retry}>Try again</Button>
                </>
            }
        >
            <Problem compact error={problem.error} testid="connect-error" />
            {problem.error.missing && (
                <p>
                    It needs the permission <code>{problem.error.missing}</code>.
                </p>
            )}
        </Dialog>
    );
}
