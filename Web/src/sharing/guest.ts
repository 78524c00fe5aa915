// Somebody without an account who came by a link: this browser shows them the one session and nothing else.

import { go } from "../app/router";
import { openTerminal } from "../app/session";
import { setOpenTerminals, store } from "../app/store";
import { api } from "../api/client";
import { type Arrival, sharing } from "./calls";

const KEY = "copilot.guest";

/** Whether this browser came by a link some time ago; the cookie itself can't be read. */
export const wasGuest = () => sessionStorage.getItem(KEY) !== null;

/** Shows the session of the link. */
export async function enter({ sessionId, guest }: Arrival) {
    if (!guest) return go(`/s/${sessionId}`);
    sessionStorage.setItem(KEY, sessionId);
    store.set({
        phase: "guest",
        me: { user: { id: guest.id, username: "", name: guest.name, role: "guest" }, permissions: [] },
        signedOutBecause: null,
    });
    openTerminal(await api.session(sessionId));
}

/** Goes on as the guest that this browser was before it was reloaded; false when that is over. */
export async function resumeGuest(): Promise<boolean> {
    try {
        await enter(await sharing.guest());
        return true;
    } catch {
        sessionStorage.removeItem(KEY);
        return false;
    }
}

/** The link has ended: nothing of the session stays on the page. */
export function leave(because: string) {
    sessionStorage.removeItem(KEY);
    setOpenTerminals([]);
    store.set({ phase: "signed-out", me: null, signedOutBecause: because });
    go("/sign-in");
}

const PENDING = "copilot.joining";

/** A link that waits for its person to sign in. */
export const keepPendingLink = (token: string) => sessionStorage.setItem(PENDING, token);

/** The link that waits; it is forgotten once it was asked for. */
export function takePendingLink(): string | null {
    const token = sessionStorage.getItem(PENDING);
    sessionStorage.removeItem(PENDING);
    return token;
}
