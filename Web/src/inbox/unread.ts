import { api, asApiError } from "../api/client";
import { go } from "../app/router";
import { store } from "../app/store";

/** Fetches what one should know of; the number of what is unread goes to the navigation and to the app's icon. */
export async function loadInbox() {
    try {
        const { notices, unread } = await api.inbox();
        store.set({ inbox: { data: notices, loadedAt: Date.now(), error: null }, unread });
        const badge = navigator as Navigator & { setAppBadge?: (count: number) => Promise<void> };
        await badge.setAppBadge?.(unread).catch(() => undefined);
    } catch (problem) {
        store.set((s) => ({ inbox: { ...s.inbox, error: asApiError(problem) } }));
    }
}

export async function markRead(ids: string[]) {
    try {
        await api.readInbox(ids);
    } finally {
        await loadInbox();
    }
}

/** The service worker tells an open page that something came, instead of showing it beside the page. */
export function followPush(came: () => void): () => void {
    const heard = (event: MessageEvent) => {
        if (event.data?.type === "copilot.notice") came();
        const place = event.data?.type === "copilot.go" ? String(event.data.place) : "";
        // A tap on a notification: the page that is open goes where it leads.
        if (place.startsWith("/#/")) go(place.slice(2));
    };
    navigator.serviceWorker?.addEventListener("message", heard);
    return () => navigator.serviceWorker?.removeEventListener("message", heard);
}
