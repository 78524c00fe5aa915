// Sessions that are on their way to this person, or from them to somebody else.

import { useSyncExternalStore } from "react";
import { go } from "../app/router";
import { dismissToast, store, toast } from "../app/store";
import { onNote } from "../terminal/notes";
import { inert } from "../ui/text";
import { type Handoff, type HandoffState, sharing } from "./calls";

let known: Handoff[] = [];
const listeners = new Set<() => void>();
const shown = new Map<string, number>();

export async function loadHandoffs() {
    if (store.get().phase !== "signed-in") return;
    try {
        known = await sharing.handoffs();
    } catch {
        // The next poll asks again; what is shown stays as it was.
        return;
    }
    for (const handoff of known) tell(handoff);
    for (const listener of [...listeners]) listener();
}

export const useHandoffs = (): Handoff[] =>
    useSyncExternalStore(
        (listener) => {
            listeners.add(listener);
            return () => void listeners.delete(listener);
        },
        () => known,
    );

/** The offer is before the person's eyes on a page of its own. */
export function handoffSeen(id: string) {
    dismissToast(shown.get(id) ?? -1);
    shown.set(id, -1);
}

type News = Pick<Handoff, "id" | "sessionId" | "from" | "to" | "note" | "state"> & { host: { alias: string } };

/** An offer stays before the person's eyes until somebody decides; the one who made it hears how it ended. */
function tell(handoff: News) {
    const me = store.get().me?.user.id;
    const open = shown.get(handoff.id);
    if (handoff.state === "open") {
        if (handoff.to.id !== me || open !== undefined) return;
        shown.set(
            handoff.id,
            toast(`${inert(handoff.from.name, 40)} gives you the session at ${inert(handoff.host.alias, 40)}`, {
                hint: inert(handoff.note, 120),
                sticky: true,
                action: { label: "Look", run: () => go(`/handoffs/${handoff.id}`) },
            }),
        );
        return;
    }
    if (open !== undefined) dismissToast(open);
    shown.set(handoff.id, -1);
}

const endings: Partial<Record<HandoffState, string>> = {
    accepted: "took the session over",
    declined: "does not take the session over",
    expired: "did not answer: the session stays with you",
};

onNote("handoff", (value) => {
    const { alias, ...news } = value as Omit<News, "host"> & { alias: string };
    const me = store.get().me?.user.id;
    const isNew = !known.some((one) => one.id === news.id && one.state === news.state);
    const ending = endings[news.state];
    if (isNew && ending && news.from.id === me) {
        toast(`${inert(news.to.name, 40)} ${ending}`, { tone: news.state === "accepted" ? "good" : "info" });
    }
    tell({ ...news, host: { alias } });
    void loadHandoffs();
});
