import { api } from "../api/client";
import type { SeatMode, Session } from "../api/types";

/** People who are invited together. */
export interface Team {
    id: string;
    name: string;
    members: { id: string; username: string; name: string }[];
}

export interface SessionLink {
    id: string;
    label: string;
    mode: SeatMode;
    /** Whom it is for; null for whoever has it, who then only watches. */
    person: { id: string; name: string } | null;
    createdAt: string;
    createdBy: { id: string; name: string };
    expiresAt: string;
    uses: number;
    used: number;
}

export interface LinkInfo {
    host: string;
    invitedBy: string;
    expiresAt: string;
    needsSignIn: boolean;
}

export interface Arrival {
    sessionId: string;
    guest: { id: string; name: string } | null;
}

export interface ChatMessage {
    id: string;
    at: string;
    /** Seconds since the session began, as its recording counts them. */
    time: number;
    author: { userId: string; name: string };
    text: string;
    mentions: string[];
}

/** What happened in a session, put together by the server. */
export interface HandoffBrief {
    startedAt: string;
    seconds: number;
    people: string[];
    title: string;
    commands: { time: number; by: string; text: string; exitStatus?: number }[];
    earlierCommands: number;
    screen: string[];
    chat: { time: number; by: string; text: string }[];
    files: { time: number; by: string; operation: string; path: string; size?: number }[];
}

export type HandoffState = "open" | "accepted" | "declined" | "withdrawn" | "expired" | "ended";

export interface Handoff {
    id: string;
    sessionId: string;
    host: { id: string; alias: string; environment: string };
    from: { id: string; name: string };
    to: { id: string; name: string };
    note: string;
    createdAt: string;
    expiresAt: string;
    state: HandoffState;
    decidedAt: string | null;
    brief: HandoffBrief;
}

const at = (id: string, rest = "") => `/api/sessions/${encodeURIComponent(id)}${rest}`;

export const sharing = {
    teams: async () => (await api.request<{ teams: Team[] }>("GET", "/api/teams")).teams,
    addTeam: async (name: string, members: string[]) =>
        (await api.request<{ team: Team }>("POST", "/api/teams", { name, members })).team,
    renameTeam: (id: string, name: string) =>
        api.request<{ team: Team }>("PATCH", `/api/teams/${encodeURIComponent(id)}`, { name }),
    removeTeam: (id: string) => api.request<void>("DELETE", `/api/teams/${encodeURIComponent(id)}`),
    addMember: (id: string, userId: string) =>
        api.request<{ team: Team }>("POST", `/api/teams/${encodeURIComponent(id)}/members`, { userId }),
    removeMember: (id: string, userId: string) =>
        api.request<{ team: Team }>(
            "DELETE",
            `/api/teams/${encodeURIComponent(id)}/members/${encodeURIComponent(userId)}`,
        ),

    shareWithTeam: (id: string, teamId: string, mode: SeatMode) =>
        api.request<{ session: Session }>("POST", at(id, "/teams"), { teamId, mode }),
    unshareWithTeam: (id: string, teamId: string) =>
        api.request<{ session: Session }>("DELETE", at(id, `/teams/${encodeURIComponent(teamId)}`)),
    change: (id: string, body: { watched?: boolean; held?: boolean }) =>
        api.request<{ session: Session }>("PATCH", at(id), body),

    links: async (id: string) => (await api.request<{ links: SessionLink[] }>("GET", at(id, "/links"))).links,
    makeLink: (
        id: string,
        body: { userId?: string; mode: SeatMode; minutes: number; uses: number; label?: string },
    ) => api.request<{ link: SessionLink; url: string }>("POST", at(id, "/links"), body),
    revokeLink: (id: string, link: string) =>
        api.request<void>("DELETE", at(id, `/links/${encodeURIComponent(link)}`)),
    checkLink: (token: string) => api.request<LinkInfo>("POST", "/auth/join/check", { token }),
    join: (token: string, name?: string) => api.request<Arrival>("POST", "/auth/join", { token, name }),
    guest: () => api.request<Arrival>("GET", "/api/guest"),

    say: async (id: string, text: string) =>
        (await api.request<{ message: ChatMessage }>("POST", at(id, "/chat"), { text })).message,
    offerClipboard: async (id: string, text: string, to: string, seatId: string) =>
        (await api.request<{ devices: number }>("POST", at(id, "/clipboard"), { text, to, seatId })).devices,

    handOver: async (id: string, userId: string, note: string, minutes: number) =>
        (await api.request<{ handoff: Handoff }>("POST", at(id, "/handoffs"), { userId, note, minutes })).handoff,
    handoffs: async () => (await api.request<{ handoffs: Handoff[] }>("GET", "/api/handoffs")).handoffs,
    handoff: async (id: string) =>
        (await api.request<{ handoff: Handoff }>("GET", `/api/handoffs/${encodeURIComponent(id)}`)).handoff,
    decide: async (id: string, what: "accept" | "decline" | "withdraw") =>
        (await api.request<{ handoff: Handoff }>("POST", `/api/handoffs/${encodeURIComponent(id)}/${what}`)).handoff,
};
