import type { Environment, NewCredential, Probe, QuarantinedHost } from "../api/types";

/** What the wizard has so far. It lives in memory alone, since it can hold a password. */
export interface HostDraft {
    step: number;
    alias: string;
    address: string;
    port: string;
    username: string;
    environment: Environment;
    purpose: string;
    tags: string[];
    probe: Probe | null;
    isConfirmed: boolean;
    credentialKind: NewCredential["kind"];
    password: string;
    privateKey: string;
    passphrase: string;
    needsPassphrase: boolean;
}

export const emptyDraft = (): HostDraft => ({
    step: 0,
    alias: "",
    address: "",
    port: "22",
    username: "",
    environment: "development",
    purpose: "",
    tags: [],
    probe: null,
    isConfirmed: false,
    credentialKind: "generated",
    password: "",
    privateKey: "",
    passphrase: "",
    needsPassphrase: false,
});

let kept = emptyDraft();

/** Leaving the wizard and coming back finds what was typed. */
export const draft = {
    get: () => kept,
    keep: (next: HostDraft) => void (kept = next),
    clear: () => void (kept = emptyDraft()),
};

/** An imported host goes through the wizard like any other: only its details are there already. */
export function draftOf(host: QuarantinedHost): HostDraft {
    return {
        ...emptyDraft(),
        alias: host.alias,
        address: host.address,
        port: String(host.port),
        username: host.username,
        environment: host.environment,
        purpose: host.purpose,
        tags: host.tags,
    };
}

/** "web-prod-01.example.net" → "web-prod-01"; an address of numbers gives no name. */
export function suggestedAlias(address: string): string {
    const trimmed = address.trim().toLowerCase();
    if (/^[\d.]+$|:/.test(trimmed)) return "";
    return (trimmed.split(".")[0] ?? "").replace(/[^a-z0-9._-]/g, "-");
}

/** "deploy@host:2222" pasted into the address field fills three fields. */
export function parseEndpoint(text: string): { username?: string; address: string; port?: string } {
    const match = /^(?:ssh:\/\/)?(?:([^@\s/]+)@)?(\[[0-9a-fA-F:.]+\]|[^\s:/@]+)(?::(\d{1,5}))?\/?$/.exec(text.trim());
    if (!match) return { address: text.trim() };
    return { username: match[1], address: (match[2] ?? "").replace(/^\[|\]$/g, ""), port: match[3] };
}

export function portProblem(port: string): string | null {
    const number = Number(port);
    return Number.isInteger(number) && number >= 1 && number <= 65_535 ? null : "A port is a number from 1 to 65535.";
}

export function aliasProblem(alias: string): string | null {
    if (!alias.trim()) return "A host needs a name.";
    return /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(alias.trim())
        ? null
        : "Letters, digits, dots, dashes and underscores; up to 63.";
}

export const ALIAS_TAKEN = "Another host has this name already: choose another one.";

/** Names that differ in case alone are the same to the server. */
export function isAliasTaken(alias: string, hosts: { alias: string }[]): boolean {
    const wanted = alias.trim().toLowerCase();
    return hosts.some((host) => host.alias.toLowerCase() === wanted);
}

export function credentialOf(draft: HostDraft): NewCredential {
    if (draft.credentialKind === "password") return { kind: "password", password: draft.password };
    if (draft.credentialKind === "generated") return { kind: "generated" };
    return { kind: "key", privateKey: draft.privateKey, ...(draft.passphrase ? { passphrase: draft.passphrase } : {}) };
}
