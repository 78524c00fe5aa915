import { api } from "../api/client";
import { withPasskey } from "./passkey";

/** What an agent may do by itself, the least first. */
export type AgentMode = "observe" | "read_only" | "supervised" | "trusted";
export type AgentSudo = "never" | "ask" | "allow";

export interface AgentRequest {
    id: string;
    agent: { id: string; name: string };
    host: string;
    username: string;
    reason: string;
    status: "pending" | "connecting" | "approved" | "denied" | "expired" | "withdrawn" | "connect_failed" | string;
    createdAt: string;
    expiresAt: string;
    wish: {
        port?: number;
        mode?: AgentMode;
        commands: string[];
        sudo?: AgentSudo;
        files?: { read: string[]; write: string[] };
        durationMinutes?: number;
    };
    decidedBy?: string;
    decision?: string;
    suggestedHostIds?: string[];
}

export interface AgentChoice {
    hostId: string;
    mode: AgentMode;
    allow: string[];
    deny: string[];
    sudo: AgentSudo;
    files: { read: string[]; write: string[] };
    durationMinutes: number;
}

export interface AgentQuestion {
    id: string;
    sessionId: string;
    agent: { id: string; name: string };
    kind: "command" | "input" | "plan" | "file_read" | "file_write" | string;
    subject: string;
    cwd?: string;
    /** What a command would read, or a file would hold: its beginning. */
    input?: string;
    purpose?: string;
    classes: string[];
    why: string;
    expiresAt: string;
    suggestedPattern?: string;
}

export interface AgentCommand {
    id: string;
    command: string;
    purpose?: string;
    state: string;
    exitCode?: number;
    signal?: string;
    startedAt?: string;
    durationMs?: number;
    tail: string;
}

export interface AgentAtSession {
    id: string;
    host: string;
    environment: string;
    agent: { id: string; name: string };
    grant: {
        mode: AgentMode;
        allow: string[];
        deny: string[];
        sudo: AgentSudo;
        files: { read: string[]; write: string[] };
        expiresAt: string;
    };
    control: { holder: "agent" | "human" | "none"; name: string | null; epoch: number; since: string | null };
    isPaused: boolean;
    isPrivate: boolean;
    handoff?: string;
    mayDecide: boolean;
    approvals: AgentQuestion[];
    commands: AgentCommand[];
    ended?: string;
}

export interface AgentToken {
    id: string;
    name: string;
    owner: { id: string; name: string };
    createdAt: string;
    expiresAt: string | null;
    revokedAt: string | null;
    lastUsedAt: string | null;
}

export type Scope =
    | { scope: "once" }
    | { scope: "exact"; minutes: number }
    | { scope: "pattern"; pattern: string }
    | { scope: "edited"; command: string };

const at = (path: string, id: string, rest = "") => `/api/${path}/${encodeURIComponent(id)}${rest}`;

export const agents = {
    requests: async () => (await api.request<{ requests: AgentRequest[] }>("GET", "/api/agent-requests")).requests,
    approve: (id: string, choice: AgentChoice) =>
        withPasskey((passkey) =>
            api.request<{ request: AgentRequest }>("POST", at("agent-requests", id, "/approve"), { ...choice, passkey })
        ),
    deny: (id: string, reason: string) =>
        api.request<{ request: AgentRequest }>("POST", at("agent-requests", id, "/deny"), { reason }),
    sessions: async () => (await api.request<{ sessions: AgentAtSession[] }>("GET", "/api/agent-sessions")).sessions,
    session: async (id: string) =>
        (await api.request<{ session: AgentAtSession }>("GET", at("agent-sessions", id))).session,
    pause: (id: string, stopCommands: boolean) =>
        api.request<{ session: AgentAtSession }>("POST", at("agent-sessions", id, "/pause"), { stopCommands }),
    hide: (id: string, on: boolean) =>
        api.request<{ session: AgentAtSession }>("POST", at("agent-sessions", id, "/private"), { on }),
    giveBack: (id: string, note: string) =>
        api.request<{ session: AgentAtSession }>("POST", at("agent-sessions", id, "/return"), { note }),
    endGrant: (id: string) => api.request<void>("DELETE", at("agent-sessions", id)),
    stopCommand: (id: string) =>
        api.request<{ session: AgentAtSession }>("POST", at("agent-commands", id, "/stop")),
    answer: (id: string, scope: Scope) =>
        withPasskey((passkey) =>
            api.request<unknown>("POST", at("agent-approvals", id, "/approve"), { ...scope, passkey })
        ),
    refuse: (id: string, reason: string) =>
        api.request<unknown>("POST", at("agent-approvals", id, "/deny"), { reason }),
    tokens: async () => (await api.request<{ agents: AgentToken[] }>("GET", "/api/agents")).agents,
    addToken: (name: string) =>
        api.request<{ agent: AgentToken; token: string }>("POST", "/api/agents", { name }),
    revoke: (id: string) => api.request<void>("DELETE", at("agents", id)),
};
