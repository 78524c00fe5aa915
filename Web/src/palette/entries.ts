import type { Action } from "../app/actions";
import { go } from "../app/router";
import { connect, openTerminal } from "../app/session";
import { may, store, toastError } from "../app/store";
import type { Host, Session } from "../api/types";
import type { IconName } from "../ui/Icon";
import { ago } from "../ui/text";
import { showTab, splitWith, tabOf } from "../terminal/tabs";
import { sessionsOf } from "../terminal/layout";

/** A line of the palette. */
export interface Entry {
    id: string;
    group: string;
    label: string;
    icon: IconName;
    note?: string;
    environment?: string;
    keys?: string;
    /** Further words by which it is found. */
    words?: string;
    run: () => void;
}

const places: [path: string, label: string, icon: IconName, permission?: string][] = [
    ["/hosts", "Hosts", "host"],
    ["/sessions", "Sessions", "sessions"],
    ["/recordings", "Recordings", "recording"],
    ["/inbox", "Inbox", "inbox"],
    ["/macros", "Macros", "macro"],
    ["/audit", "Audit", "audit"],
    ["/people", "People", "people", "user.manage"],
    ["/settings", "Settings", "settings"],
];

async function start(host: Host, then?: (session: Session) => void) {
    const problem = await connect(host, then);
    if (problem) toastError(problem.error);
}

function terminals(): Entry[] {
    return store.get().openTerminals.map(({ id, alias, environment }) => ({
        id: `open-${id}`,
        group: "Open terminals",
        label: alias,
        icon: "terminal",
        environment,
        note: "open here",
        run: () => showTab(tabOf(id), id),
    }));
}

function others(): Session[] {
    const open = store.get().openTerminals;
    return (store.get().live.data ?? []).filter((session) => !open.some((one) => one.id === session.id));
}

const joined = (session: Session, run: () => void): Entry => ({
    id: `live-${session.id}`,
    group: "Live sessions",
    label: session.host.alias,
    icon: "sessions",
    environment: session.host.environment,
    note: `of ${session.owner.name}`,
    words: `join ${session.owner.name} ${session.title}`,
    run,
});

const hostEntry = (host: Host, run: () => void): Entry => ({
    id: `host-${host.id}`,
    group: "Hosts",
    label: host.alias,
    icon: "host",
    environment: host.environment,
    note: host.lastUsedAt ? ago(host.lastUsedAt) : undefined,
    words: `connect ${host.address ?? ""} ${host.purpose} ${host.tags.join(" ")}`,
    run,
});

const hosts = () =>
    [...store.get().hosts.data ?? []].sort((a, b) => (b.lastUsedAt ?? "").localeCompare(a.lastUsedAt ?? ""));

/** Everything: what is nearest comes first. */
export function answers(actions: readonly Action[]): Entry[] {
    return [
        ...terminals(),
        ...others().map((session) => joined(session, () => openTerminal(session))),
        ...hosts().map((host) => hostEntry(host, () => void start(host))),
        ...actions.filter((action) => !action.keysOnly).map((action): Entry => ({ ...action, id: `do-${action.id}` })),
        ...places.filter(([, , , permission]) => !permission || may(permission)).map(([path, label, icon]): Entry => ({
            id: `place-${path}`,
            group: "Places",
            label,
            icon,
            run: () => go(path),
        })),
    ];
}

/** What a new pane beside a session may hold: the same host once more, what is open, what is live, another host. */
export function splitAnswers(beside: string, axis: "row" | "column"): Entry[] {
    const inTab = sessionsOf(tabOf(beside));
    const put = (session: Pick<Session, "id" | "host">) => {
        openTerminal(session, "stay");
        splitWith(beside, axis, session.id);
    };
    const alias = store.get().openTerminals.find((one) => one.id === beside)?.alias;
    const same = hosts().find((host) => host.alias === alias);
    return [
        ...(same
            ? [{
                ...hostEntry(same, () => void start(same, put)),
                id: "same",
                group: "New session",
                label: `New session on ${same.alias}`,
                icon: "plus" as const,
            }]
            : []),
        ...terminals().filter(({ id }) => !inTab.some((session) => id === `open-${session}`)).map((entry): Entry => ({
            ...entry,
            run: () => splitWith(beside, axis, entry.id.slice("open-".length)),
        })),
        ...others().map((session) => joined(session, () => put(session))),
        ...hosts().filter((host) => host !== same).map((host) => hostEntry(host, () => void start(host, put))),
    ];
}
