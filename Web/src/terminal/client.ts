// The name under which this browser tab numbers its input. It lives through a reload, so that the seat and the numbering
// go on; it is out of storage while the page lives, so that a duplicated tab never shares it.

const KEY = "copilot.client";

interface Client {
    id: string;
    sequences: Record<string, number>;
}

const client: Client = takeStored() ?? { id: makeId(), sequences: {} };

function makeId(): string {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function takeStored(): Client | null {
    try {
        const text = sessionStorage.getItem(KEY);
        sessionStorage.removeItem(KEY);
        const value = text === null ? null : JSON.parse(text);
        return value && typeof value.id === "string" && typeof value.sequences === "object" ? value : null;
    } catch {
        return null;
    }
}

window.addEventListener("pagehide", () => sessionStorage.setItem(KEY, JSON.stringify(client)));
window.addEventListener("pageshow", () => sessionStorage.removeItem(KEY));

export const clientId = () => client.id;

export const firstSequence = (session: string) => client.sequences[session] ?? 1;

export function rememberSequence(session: string, next: number) {
    client.sequences[session] = next;
}
