import { api, asApiError } from "../api/client";
import type { Host, Session } from "../api/types";
import { leave, resumeGuest, wasGuest } from "../sharing/guest";
import { offerPageOffline } from "./offline";
import { currentRoute, go } from "./router";
import { type Loadable, notLoaded, setLayouts, setOpenTerminals, type State, store, toast, toastError } from "./store";

const HOST_CACHE = "copilot.hosts";

/** What is kept of the hosts for a page that opens without a link: names, never addresses. */
interface CachedHosts {
    savedAt: number;
    hosts: Pick<Host, "id" | "alias" | "environment" | "purpose" | "tags" | "lastUsedAt">[];
}

api.onSignedOut = (error) => {
    if (store.get().phase === "guest") return leave("The link that you came by has ended.");
    if (store.get().phase !== "signed-in") return;
    forget(error.message || "Your sign-in has ended.");
};

/** Finds out whether somebody is signed in; the page shows nothing else before. */
export async function start() {
    try {
        const server = await api.server();
        store.set({ server, startError: null });
    } catch (error) {
        store.set({ phase: "unreachable", startError: asApiError(error) });
        return;
    }
    // A link with a token is about to be redeemed, whoever is signed in.
    if (currentRoute().path[0] === "welcome" && currentRoute().query.has("token")) {
        store.set({ phase: "signed-out" });
        return;
    }
    // Whoever follows a link to a session may have an account, too, and comes as themselves then.
    const isJoining = currentRoute().path[0] === "join" && currentRoute().query.has("token");
    if (!isJoining && wasGuest() && await resumeGuest()) return;
    // A browser in which nobody signed in is not asked who is there.
    if (api.hasSignedIn()) await loadMe();
    else store.set({ phase: "signed-out" });
}

export async function loadMe() {
    try {
        const me = await api.me();
        store.set({ me, phase: "signed-in", signedOutBecause: null });
        offerPageOffline();
    } catch (error) {
        const problem = asApiError(error);
        if (problem.status === 401) store.set({ phase: "signed-out", me: null });
        else store.set({ phase: "unreachable", startError: problem });
    }
}

export async function signedIn() {
    api.noteSignIn();
    await loadMe();
}

export async function signOut(everywhere: boolean) {
    try {
        await api.signOut(everywhere);
    } catch (error) {
        if (asApiError(error).status !== 401) return toastError(asApiError(error));
    }
    forget(everywhere ? "You have signed out on every device." : null);
}

/** Leaves nothing of the person behind in this browser. */
function forget(because: string | null) {
    localStorage.removeItem(HOST_CACHE);
    localStorage.removeItem("copilot.refreshedAt");
    setOpenTerminals([]);
    setLayouts([]);
    store.set({
        phase: "signed-out",
        me: null,
        signedOutBecause: because,
        hosts: notLoaded(),
        users: notLoaded(),
        live: notLoaded(),
        ended: notLoaded(),
        recordings: notLoaded(),
        macros: notLoaded(),
    });
}

type ListName = "hosts" | "users" | "live" | "ended" | "recordings" | "macros";

const fetchers = {
    hosts: api.hosts,
    users: api.users,
    live: () => api.sessions("live"),
    ended: () => api.sessions("ended"),
    recordings: api.recordings,
    macros: api.macros,
} as const;

export async function load(name: ListName) {
    try {
        const data = await fetchers[name]();
        if (name === "hosts") cacheHosts(data as Host[]);
        store.set({ [name]: { data, loadedAt: Date.now(), error: null } } as unknown as Partial<State>);
    } catch (problem) {
        const error = asApiError(problem);
        store.set((s) => {
            const before = s[name] as Loadable<unknown>;
            const fallback = name === "hosts" && !before.data && error.isOffline ? cachedHosts() : null;
            return { [name]: { ...(fallback ?? before), error } } as unknown as Partial<State>;
        });
    }
}

function cacheHosts(hosts: Host[]) {
    const cache: CachedHosts = {
        savedAt: Date.now(),
        hosts: hosts.map(({ id, alias, environment, purpose, tags, lastUsedAt }) => ({
            id,
            alias,
            environment,
            purpose,
            tags,
            lastUsedAt,
        })),
    };
    localStorage.setItem(HOST_CACHE, JSON.stringify(cache));
}

export function cachedHosts(): Loadable<Host[]> | null {
    try {
        const cache: CachedHosts | null = JSON.parse(localStorage.getItem(HOST_CACHE) ?? "null");
        if (!cache) return null;
        return { data: cache.hosts as Host[], loadedAt: cache.savedAt, error: null };
    } catch {
        return null;
    }
}

/** Adds the session to the open terminals; the page goes there, or stays where it is. */
export function openTerminal(session: Pick<Session, "id" | "host">, how: "go" | "stay" = "go") {
    const open = store.get().openTerminals;
    if (!open.some((tab) => tab.id === session.id)) {
        setOpenTerminals([...open, {
            id: session.id,
            alias: session.host.alias,
            environment: session.host.environment,
        }]);
    }
    if (how === "go") go(`/s/${session.id}`);
}

/** Opens those that are not open yet, without going there; answers how many are gone. */
export async function addTerminals(sessions: readonly string[]): Promise<number> {
    const open = store.get().openTerminals;
    const wanted = sessions.filter((id) => !open.some((tab) => tab.id === id));
    const found = await Promise.allSettled(wanted.map((id) => api.session(id)));
    for (const one of found) if (one.status === "fulfilled") openTerminal(one.value, "stay");
    return found.filter((one) => one.status === "rejected").length;
}

export function closeTerminal(id: string) {
    const open = store.get().openTerminals;
    const index = open.findIndex((tab) => tab.id === id);
    const rest = open.filter((tab) => tab.id !== id);
    const neighbours = store.get().layouts.find((layout) => layout.split(".").includes(id))?.split(".") ?? [];
    setOpenTerminals(rest);
    if (currentRoute().path[0] === "s" && currentRoute().path[1] === id) {
        const next = rest.find((tab) => neighbours.includes(tab.id)) ?? rest[Math.min(index, rest.length - 1)];
        go(next ? `/s/${next.id}` : "/sessions");
    }
}

/** The terminal's likely size before it exists, so that the shell starts with about the right one. */
function likelySize(): { columns: number; rows: number } {
    const isPhone = window.innerWidth < 720;
    const size = isPhone ? store.get().settings.touchFontSize : store.get().settings.fontSize;
    const width = window.innerWidth - (isPhone ? 0 : 72);
    const height = window.innerHeight - (isPhone ? 170 : 100);
    return {
        columns: clamp(Math.floor(width / (size * 0.6)), 20, 400),
        rows: clamp(Math.floor(height / (size * 1.32)), 6, 200),
    };
}

const clamp = (value: number, low: number, high: number) => Math.max(low, Math.min(high, value));

export type ConnectProblem = { host: Host; error: ReturnType<typeof asApiError> };

/** Starts a session on the host and opens its terminal; a problem is returned for the caller to show. */
export async function connect(host: Host, then?: (session: Session) => void): Promise<ConnectProblem | null> {
    const { columns, rows } = likelySize();
    const slow = setTimeout(
        () => toast(`Still connecting to ${host.alias}`, { hint: "The host has not answered yet." }),
        6_000,
    );
    try {
        const session = await api.startSession(host.id, columns, rows);
        if (then) then(session);
        else openTerminal(session);
        return null;
    } catch (problem) {
        const error = asApiError(problem);
        if (error.code === "host_key_changed") {
            void load("hosts");
            go(`/hosts/${host.id}/key`);
            return null;
        }
        return { host, error };
    } finally {
        clearTimeout(slow);
    }
}

window.addEventListener("online", () => store.set({ isOnline: true }));
window.addEventListener("offline", () => store.set({ isOnline: false }));
