import type {
    AuditEntry,
    AuditVerification,
    Environment,
    Host,
    HostTest,
    ImportDefaults,
    ImportPlan,
    InboxNotice,
    Invitation,
    Macro,
    Me,
    NewCredential,
    NewHost,
    NewMacro,
    Probe,
    QuarantinedHost,
    PushDevice,
    Recording,
    RecordingRetention,
    RecordingsFound,
    RecordingVerification,
    SecondFactor,
    SecondFactorOffer,
    SeatMode,
    ServerInfo,
    ServerSettings,
    Session,
    TokenInfo,
    TrustInfo,
    User,
} from "./types";

/** A refusal or failure of the server, or of the way to it, in words that a person can act on. */
export class ApiError extends Error {
    constructor(
        readonly status: number,
        readonly code: string,
        message: string,
        readonly hint: string,
        readonly body: Record<string, unknown> = {},
    ) {
        super(message);
    }

    /** The permission that a 403 names. */
    get missing(): string | null {
        return typeof this.body.missing === "string" ? this.body.missing : null;
    }

    get field(): string | null {
        return typeof this.body.field === "string" ? this.body.field : null;
    }

    /** The words for a form's field, when the refusal is about it: what is wrong, and what to do. */
    at(field: string): string | null {
        return this.field === field ? `${this.message} ${this.hint}`.trim() : null;
    }

    /** Seconds until another attempt is allowed. */
    get retryAfter(): number | null {
        return typeof this.body.retryAfter === "number" ? this.body.retryAfter : null;
    }

    get isOffline(): boolean {
        return this.status === 0;
    }
}

export function asApiError(error: unknown): ApiError {
    if (error instanceof ApiError) return error;
    return new ApiError(-1, "page_error", error instanceof Error ? error.message : String(error), "Reload the page.");
}

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** Refusals of what was typed, with the same status as a sign-in that is over. */
const aboutTheForm = new Set(["wrong_credentials", "wrong_code"]);

/** Access tokens live ten minutes; a new one is fetched before the old one can run out under a request. */
const REFRESH_AFTER = 8 * 60_000;
const REFRESHED_AT = "copilot.refreshedAt";

async function send(method: Method, path: string, body?: unknown, signal?: AbortSignal): Promise<Response> {
    try {
        return await fetch(path, {
            method,
            signal,
            credentials: "same-origin",
            cache: "no-store",
            headers: method === "GET" ? {} : { "Content-Type": "application/json" },
            body: method === "GET" ? undefined : JSON.stringify(body ?? {}),
        });
    } catch (error) {
        if (error instanceof DOMException && error.name === "AbortError") throw error;
        throw new ApiError(
            0,
            "offline",
            "The copilot can't be reached.",
            "Check your connection; the page tries again by itself.",
        );
    }
}

async function failure(response: Response): Promise<ApiError> {
    let body: Record<string, unknown> = {};
    try {
        body = await response.json();
    } catch {
        // An answer without a JSON body comes from something between us and the server; the status is all there is.
    }
    const header = Number(response.headers.get("Retry-After"));
    if (header > 0 && typeof body.retryAfter !== "number") body.retryAfter = header;
    return new ApiError(
        response.status,
        typeof body.code === "string" ? body.code : `http_${response.status}`,
        typeof body.error === "string" ? body.error : `The server answered with status ${response.status}.`,
        typeof body.hint === "string" ? body.hint : "",
        body,
    );
}

/** Calls the server with the session cookies, renewing the access token silently when it has run out. */
export class ApiClient {
    private refreshing: Promise<boolean> | null = null;

    /** Called once when the sign-in turns out to be over. */
    onSignedOut: (reason: ApiError) => void = () => undefined;

    async request<T>(method: Method, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
        const isAuthentication = path.startsWith("/auth/") && !path.startsWith("/auth/sign-out");
        if (!isAuthentication && path !== "/api/server" && path !== "/api/trust") await this.ensureFresh();
        let response = await send(method, path, body, signal);
        if (response.status === 401 && !isAuthentication) {
            const error = await failure(response);
            // A wrong password or code in a form says nothing about the sign-in, and is not sent a second time.
            if (aboutTheForm.has(error.code)) throw error;
            if (!(await this.refresh())) {
                this.onSignedOut(error);
                throw error;
            }
            response = await send(method, path, body, signal);
            if (response.status === 401) {
                const again = await failure(response);
                if (!aboutTheForm.has(again.code)) this.onSignedOut(again);
                throw again;
            }
        }
        if (!response.ok) throw await failure(response);
        if (response.status === 204) return undefined as T;
        return (await response.json()) as T;
    }

    /** A streamed answer: recordings are read as they are played. */
    async stream(path: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
        await this.ensureFresh();
        let response = await send("GET", path, undefined, signal);
        if (response.status === 401 && (await this.refresh())) response = await send("GET", path, undefined, signal);
        if (!response.ok || !response.body) throw await failure(response);
        return response.body;
    }

    /** Renews the access token when it is about to run out; browser tabs share the time of the last renewal. */
    async ensureFresh(): Promise<void> {
        const last = Number(localStorage.getItem(REFRESHED_AT) ?? 0);
        if (last > 0 && Date.now() - last > REFRESH_AFTER) await this.refresh();
    }

    /** Whether somebody signed in in this browser and did not sign out; the cookies themselves can't be read. */
    hasSignedIn(): boolean {
        return localStorage.getItem(REFRESHED_AT) !== null;
    }

    noteSignIn() {
        localStorage.setItem(REFRESHED_AT, String(Date.now()));
    }

    /** One renewal at a time: the refresh token rotates, and a second use of the old one would end the sign-in. */
    refresh(): Promise<boolean> {
        this.refreshing ??= this.refreshOnce().finally(() => (this.refreshing = null));
        return this.refreshing;
    }

    private async refreshOnce(): Promise<boolean> {
        const asked = Date.now();
        const renew = async () => {
            // Another tab may have renewed while this one waited for its turn.
            if (Number(localStorage.getItem(REFRESHED_AT) ?? 0) > asked) return true;
            const response = await send("POST", "/auth/refresh");
            if (response.ok) this.noteSignIn();
            else localStorage.removeItem(REFRESHED_AT);
            return response.ok;
        };
        return navigator.locks ? navigator.locks.request("copilot.refresh", renew) : renew();
    }

    server = () => this.request<ServerInfo>("GET", "/api/server");
    me = () => this.request<Me>("GET", "/api/me");
    checkToken = (token: string) => this.request<TokenInfo>("POST", "/auth/redeem/check", { token });
    redeem = (body: { token: string; username: string; name: string; password: string; code?: string }) =>
        this.request<{ user: User }>("POST", "/auth/redeem", body);
    signIn = (username: string, password: string, code?: string) =>
        this.request<{ user: User }>("POST", "/auth/sign-in", { username, password, code });
    signOut = (everywhere: boolean) =>
        this.request<void>("POST", everywhere ? "/auth/sign-out-everywhere" : "/auth/sign-out");
    changePassword = (current: string, next: string) =>
        this.request<void>("POST", "/api/me/password", { current, new: next });
    secondFactor = () => this.request<SecondFactor>("GET", "/api/me/second-factor");
    offerSecondFactor = (password: string) =>
        this.request<SecondFactorOffer>("POST", "/api/me/second-factor", { password });
    confirmSecondFactor = (code: string) =>
        this.request<{ recoveryCodes: string[] }>("POST", "/api/me/second-factor/confirm", { code });
    renewRecoveryCodes = (password: string, code: string) =>
        this.request<{ recoveryCodes: string[] }>("POST", "/api/me/second-factor/recovery-codes", { password, code });
    removeSecondFactor = (password: string, code: string) =>
        this.request<void>("POST", "/api/me/second-factor/remove", { password, code });

    users = async () => (await this.request<{ users: User[] }>("GET", "/api/users")).users;
    addUser = (body: { username: string; name: string; role: string }) =>
        this.request<{ user: User; invitation?: Invitation }>("POST", "/api/users", body);
    updateUser = async (id: string, body: { name?: string; role?: string; disabled?: boolean }) =>
        (await this.request<{ user: User }>("PATCH", `/api/users/${encodeURIComponent(id)}`, body)).user;

    inviteUser = async (id: string) =>
        (await this.request<{ invitation: Invitation }>("POST", `/api/users/${encodeURIComponent(id)}/invitation`))
            .invitation;

    hosts = async () => (await this.request<{ hosts: Host[] }>("GET", "/api/hosts")).hosts;
    host = (id: string) =>
        this.request<{ host: Host; authorizedKeysLine?: string }>("GET", `/api/hosts/${encodeURIComponent(id)}`);
    probe = (address: string, port: number) => this.request<Probe>("POST", "/api/hosts/probe", { address, port });
    addHost = (body: NewHost) => this.request<{ host: Host; authorizedKeysLine?: string }>("POST", "/api/hosts", body);
    updateHost = async (
        id: string,
        body: Partial<
            {
                alias: string;
                username: string;
                environment: Environment;
                purpose: string;
                tags: string[];
                credential: NewCredential;
            }
        >,
    ) => {
        const answer = await this.request<{ host?: Host; authorizedKeysLine?: string } & Partial<Host>>(
            "PATCH",
            `/api/hosts/${encodeURIComponent(id)}`,
            body,
        );
        return { host: (answer.host ?? answer) as Host, authorizedKeysLine: answer.authorizedKeysLine };
    };
    removeHost = (id: string) => this.request<void>("DELETE", `/api/hosts/${encodeURIComponent(id)}`);
    setFavourite = async (id: string, favourite: boolean) =>
        (await this.request<{ host: Host }>(favourite ? "PUT" : "DELETE", `/api/hosts/${encodeURIComponent(id)}/favourite`))
            .host;
    quarantinedHosts = async () => (await this.request<{ hosts: QuarantinedHost[] }>("GET", "/api/imports/hosts")).hosts;
    dropQuarantinedHost = (id: string) =>
        this.request<void>("DELETE", `/api/imports/hosts/${encodeURIComponent(id)}`);
    importServices = (body: ImportDefaults & { name: string; dryRun: boolean }) =>
        this.request<ImportPlan>("POST", "/api/imports/hosts/services", body);
    /** A list of hosts as its bytes. */
    importHosts = async (list: Blob, query: URLSearchParams) => {
        await this.ensureFresh();
        const response = await fetch(`/api/imports/hosts?${query}`, {
            method: "POST",
            credentials: "same-origin",
            cache: "no-store",
            headers: { "Content-Type": "application/octet-stream" },
            body: list,
        });
        if (!response.ok) throw await failure(response);
        return (await response.json()) as ImportPlan;
    };
    testHost = (id: string) => this.request<HostTest>("POST", `/api/hosts/${encodeURIComponent(id)}/test`);
    /** Ends an alert: the offered fingerprint accepts that key, the recorded one keeps that. */
    judgeHostKey = (id: string, fingerprint: string) =>
        this.request<{ host: Host }>("POST", `/api/hosts/${encodeURIComponent(id)}/host-key`, { fingerprint });

    sessions = async (state: "live" | "ended") =>
        (await this.request<{ sessions: Session[] }>("GET", `/api/sessions?state=${state}`)).sessions;
    session = async (id: string) => {
        const answer = await this.request<Session | { session: Session }>(
            "GET",
            `/api/sessions/${encodeURIComponent(id)}`,
        );
        return "session" in answer ? answer.session : answer;
    };
    startSession = async (hostId: string, columns: number, rows: number) =>
        (await this.request<{ session: Session }>("POST", "/api/sessions", { hostId, columns, rows })).session;
    endSession = (id: string) => this.request<unknown>("DELETE", `/api/sessions/${encodeURIComponent(id)}`);
    invite = (id: string, userId: string, mode: SeatMode) =>
        this.request<{ session: Session }>("POST", `/api/sessions/${encodeURIComponent(id)}/participants`, {
            userId,
            mode,
        });
    setMode = (id: string, userId: string, mode: SeatMode) =>
        this.request<{ session: Session }>(
            "PATCH",
            `/api/sessions/${encodeURIComponent(id)}/participants/${encodeURIComponent(userId)}`,
            { mode },
        );
    removeParticipant = (id: string, userId: string) =>
        this.request<unknown>(
            "DELETE",
            `/api/sessions/${encodeURIComponent(id)}/participants/${encodeURIComponent(userId)}`,
        );

    recordings = async () => (await this.request<{ recordings: Recording[] }>("GET", "/api/recordings")).recordings;
    recording = async (id: string) => {
        const answer = await this.request<Recording | { recording: Recording }>(
            "GET",
            `/api/recordings/${encodeURIComponent(id)}`,
        );
        return "recording" in answer ? answer.recording : answer;
    };

    searchRecordings = (query: URLSearchParams, signal: AbortSignal) =>
        this.request<RecordingsFound>("GET", `/api/recordings/search?${query}`, undefined, signal);
    recordedScreen = (id: string, at: number, signal: AbortSignal) =>
        this.request<{ columns: number; rows: number; lines: string[] }>(
            "GET",
            `/api/recordings/${encodeURIComponent(id)}/screen?at=${at}`,
            undefined,
            signal,
        );
    verifyRecording = (id: string) =>
        this.request<RecordingVerification>("GET", `/api/recordings/${encodeURIComponent(id)}/verify`);
    holdRecording = (id: string, reason: string) =>
        this.request<Recording>("PUT", `/api/recordings/${encodeURIComponent(id)}/hold`, { reason });
    releaseRecording = (id: string) =>
        this.request<Recording>("DELETE", `/api/recordings/${encodeURIComponent(id)}/hold`);
    deleteRecording = (id: string) => this.request<void>("DELETE", `/api/recordings/${encodeURIComponent(id)}`);
    retention = () => this.request<RecordingRetention>("GET", "/api/settings/recordings");
    setRetention = (body: RecordingRetention) =>
        this.request<RecordingRetention>("PUT", "/api/settings/recordings", body);

    audit = (query: URLSearchParams) =>
        this.request<{ entries: AuditEntry[]; next: number | null }>("GET", `/api/audit?${query}`);
    verifyAudit = () => this.request<AuditVerification>("GET", "/api/audit/verify");

    trust = () => this.request<TrustInfo>("GET", "/api/trust");

    macros = async () => (await this.request<{ macros: Macro[] }>("GET", "/api/macros")).macros;
    addMacro = (body: NewMacro) => this.request<{ macro: Macro }>("POST", "/api/macros", body);
    updateMacro = (id: string, body: NewMacro) =>
        this.request<{ macro: Macro }>("PATCH", `/api/macros/${encodeURIComponent(id)}`, body);
    removeMacro = (id: string) => this.request<void>("DELETE", `/api/macros/${encodeURIComponent(id)}`);

    inbox = () => this.request<{ notices: InboxNotice[]; unread: number }>("GET", "/api/inbox");
    /** Marks these as read, or all without any. */
    readInbox = (ids: string[]) => this.request<void>("POST", "/api/inbox/read", { ids });

    pushKey = async () => (await this.request<{ publicKey: string }>("GET", "/api/push/key")).publicKey;
    pushDevices = async () =>
        (await this.request<{ devices: PushDevice[] }>("GET", "/api/push/devices")).devices;
    addPushDevice = (body: { endpoint: string; keys: { p256dh: string; auth: string }; device: string }) =>
        this.request<{ device: PushDevice }>("POST", "/api/push/devices", body);
    removePushDevice = (id: string) => this.request<void>("DELETE", `/api/push/devices/${encodeURIComponent(id)}`);
    testPush = () => this.request<{ sent: number }>("POST", "/api/push/test");

    settings = () => this.request<ServerSettings>("GET", "/api/settings");
    updateSettings = (body: Partial<ServerSettings>) => this.request<ServerSettings>("PATCH", "/api/settings", body);
}

export const api = new ApiClient();
