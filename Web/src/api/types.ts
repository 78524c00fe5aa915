// The server's values as they travel. Times are ISO 8601 in UTC.

export type Environment = "production" | "staging" | "development" | "other";
export type Role = "admin" | "devops" | "ml-ops" | "guest" | string;
export type SeatMode = "view" | "control" | "moderate";

export interface ServerInfo {
    name: string;
    version: string;
    protocol: number;
    setupRequired: boolean;
    time: string;
}

export interface User {
    id: string;
    username: string;
    name: string;
    role: Role;
    disabled?: boolean;
    createdAt?: string;
    lastSignInAt?: string | null;
}

export interface Me {
    user: User;
    permissions: string[];
}

/** The code that is asked for beside the password: since when, or null. */
export interface SecondFactor {
    since: string | null;
    recoveryCodesLeft: number;
}

/** What an authenticator app has to know: in base 32, as an address, and as a QR code's rows of ones and zeros. */
export interface SecondFactorOffer {
    secret: string;
    address: string;
    picture: string[];
}

/** A link with which a person chooses a password. */
export interface Invitation {
    link: string;
    expiresAt: string;
}

export interface TokenInfo {
    kind: "first-admin" | "invitation";
    username?: string | null;
    name?: string | null;
    expiresAt: string;
}

export interface KeyView {
    algorithm: string;
    fingerprint: string;
    randomart: string;
}

export interface HostKey extends KeyView {
    verifiedAt: string;
    verifiedBy: string;
}

export interface KeyAlert {
    offeredFingerprint: string;
    offeredAlgorithm: string;
    offeredRandomart: string;
    seenAt: string;
}

export interface Host {
    id: string;
    alias: string;
    address: string;
    port: number;
    username: string;
    environment: Environment;
    purpose: string;
    tags: string[];
    hostKey: HostKey;
    credential: { kind: "password" | "key" | "none"; fingerprint?: string | null };
    keyAlert: KeyAlert | null;
    lastUsedAt: string | null;
    activeSessions: number;
    may: Record<string, boolean>;
    demonstration: boolean;
    favourite: boolean;
}

/** A host that was imported and whose key nobody has confirmed. */
export interface QuarantinedHost {
    id: string;
    alias: string;
    address: string;
    port: number;
    username: string;
    environment: Environment;
    purpose: string;
    tags: string[];
    source: string;
    importedBy: string;
    importedAt: string;
}

export interface ImportDefaults {
    username?: string;
    environment?: Environment;
    tags?: string[];
}

export interface ImportEntry {
    action: "added" | "changed" | "unchanged" | "skipped";
    alias: string;
    place: string;
    target: string;
    environment: string;
    tags: string[];
    changes: { field: string; from: string; to: string }[];
    note: string;
}

/** What an import does with each host, or would do. */
export interface ImportPlan {
    format: string;
    applied: boolean;
    added: number;
    changed: number;
    unchanged: number;
    skipped: number;
    entries: ImportEntry[];
}

export interface Probe {
    probeId: string;
    address: string;
    port: number;
    resolvedAddress: string;
    serverIdentification: string;
    hostKey: KeyView & { publicKey: string };
    known: { alias: string }[];
}

export type NewCredential =
    | { kind: "password"; password: string }
    | { kind: "key"; privateKey: string; passphrase?: string }
    | { kind: "generated" };

export interface NewHost {
    alias: string;
    address: string;
    port: number;
    username: string;
    environment: Environment;
    purpose: string;
    tags: string[];
    probeId: string;
    credential: NewCredential;
}

export interface HostTest {
    ok: boolean;
    milliseconds: number;
    steps: {
        step: "resolve" | "connect" | "host_key" | "authenticate";
        ok: boolean;
        detail: string;
        code?: string;
        hint?: string;
    }[];
}

export interface SessionEnding {
    reason: "exit" | "ended_by" | "host_lost" | "idle" | "no_seats" | "shutdown" | "failed" | string;
    exitStatus?: number | null;
    signal?: string | null;
    detail?: string | null;
}

export interface Seat {
    seatId: string;
    userId: string;
    name: string;
    mode: SeatMode;
    connected: boolean;
    /** The session is on this seat's screen now. */
    looking: boolean;
    device: string;
}

export interface Participant {
    userId: string;
    name: string;
    mode: SeatMode;
}

export interface Session {
    id: string;
    host: { id: string; alias: string; environment: Environment };
    owner: { id: string; name: string };
    title: string;
    state: "connecting" | "live" | "paused" | "ended";
    startedAt: string;
    endedAt: string | null;
    ending: SessionEnding | null;
    columns: number;
    rows: number;
    recordingId: string | null;
    keyboard: { holder: { userId: string; name: string; seatId: string } | null; epoch: number };
    seats: Seat[];
    participants: Participant[];
    /** Teams that were invited as a whole. */
    teams: { teamId: string; name: string; mode: SeatMode }[];
    /** Whether the host hears input only while a moderator looks on, and who does. */
    watch: {
        required: boolean;
        by: "host" | "session" | null;
        watchers: { id: string; name: string }[];
        heldBy: { id: string; name: string } | null;
    };
    expiresAt: string | null;
    startedBy?: { id: string; name: string } | string | null;
}

/** What the terminal channel adds for the seat that it belongs to. */
export interface SeatView extends Session {
    you: { seatId: string; mode: SeatMode; holder: boolean; mayType: boolean };
}

export interface Recording {
    id: string;
    sessionId: string;
    host: { id: string; alias: string; environment: Environment };
    owner: { id: string; name: string };
    participants: string[];
    startedAt: string;
    duration: number;
    bytes: number;
    state: "recording" | "complete" | "truncated" | "deleted";
    columns: number;
    rows: number;
    hold?: { reason: string; by: string; since: string } | null;
    /** When the retention deletes it; never when it is not there. */
    expiresAt?: string | null;
    markers?: { time: number; label: string; kind: string }[];
}

export type SearchScope = "all" | "commands" | "output" | "chat";

export interface RecordingHit {
    time: number;
    place: string;
    actor?: string | null;
    line: string;
    recording: Recording;
}

export interface RecordingsFound {
    hits: RecordingHit[];
    searched: number;
    total: number;
    unreadable: string[];
    next?: string | null;
}

export interface RecordingVerification {
    id: string;
    state: Recording["state"];
    ok: boolean;
    chunks: number;
    head: string;
    problem?: { code: string; sentence: string; hint: string } | null;
}

export interface RecordingRetention {
    days: number;
    tags: { tag: string; days: number }[];
}

export interface AuditEntry {
    seq: number;
    time: string;
    actor: { kind: string; id: string; name: string; onBehalfOf?: unknown; address?: string | null };
    action: string;
    object?: { kind: string; id: string; name?: string | null } | null;
    outcome: string;
    details: Record<string, unknown>;
    session?: string | null;
    hash: string;
}

export interface AuditVerification {
    ok: boolean;
    entries: number;
    checkpoints: number;
    problem: { seq: number | null; kind: string; sentence: string } | null;
}

export interface ServerSettings {
    seatlessMinutes: number;
    idleMinutes: number;
    recordingFailure: "block";
}

/** A line that is typed often, with places to fill in. */
export interface Macro {
    id: string;
    name: string;
    text: string;
    description: string;
    /** Everybody sees it. */
    shared: boolean;
    owner: { id: string; name: string };
    mayEdit: boolean;
    updatedAt: string;
}

export type NewMacro = Pick<Macro, "name" | "text" | "description" | "shared">;

/** Something that a person should know of, in the inbox and by push. */
export interface InboxNotice {
    id: string;
    kind: string;
    text: string;
    /** A place in the page, such as `/s/ses_…`. */
    link: string;
    at: string;
    readAt?: string | null;
}

/** A device of this person that is told by push. */
export interface PushDevice {
    id: string;
    device: string;
    createdAt: string;
    lastSentAt?: string | null;
}

/** The authority that this copilot's certificate is of. */
export interface TrustInfo {
    /** False for a certificate of somebody else's authority. */
    isOwn: boolean;
    fingerprint: string;
    until: string;
}
