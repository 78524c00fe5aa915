import { useEffect, useState, useSyncExternalStore } from "react";
import { dismissToast, toast } from "../app/store";
import { onNote } from "../terminal/notes";
import { openPanel, type PanelProps } from "../terminal/panels";
import { inert } from "../ui/text";
import { agents } from "./api";

/** What the server says on a session's own connection when something of its agent changed. */
export interface AgentNote {
    session: string;
    kind: string;
    by?: string;
    text?: string;
}

/** Sessions whose agent is open before the person's eyes: what it asks is there. */
const seen = new Set<string>();

/** What was said elsewhere about a session's questions. */
const said = new Map<string, number>();

function unsay(sessionId: string) {
    dismissToast(said.get(sessionId) ?? -1);
    said.delete(sessionId);
}

/** The panel of this session's agent is shown. */
export function useSeen(sessionId: string) {
    useEffect(() => {
        seen.add(sessionId);
        unsay(sessionId);
        return () => void seen.delete(sessionId);
    }, [sessionId]);
}

let counts: Readonly<Record<string, number>> = {};
const listeners = new Set<() => void>();

/** How many questions wait, as whoever asked last has seen it. */
export function setQuestions(sessionId: string, count: number) {
    if (count === 0) unsay(sessionId);
    if (counts[sessionId] === count) return;
    counts = { ...counts, [sessionId]: count };
    for (const listener of [...listeners]) listener();
}

/** Calls `changed` whenever something of the agent at this session changed. */
export function useAgentNotes(sessionId: string, changed: (note: AgentNote) => void) {
    useEffect(() =>
        onNote("agent", (value) => {
            const note = value as AgentNote;
            if (note.session === sessionId) changed(note);
        }), [sessionId, changed]);
}

/** The number on the panel's button; what is new is said once, wherever the person looks. */
export function useQuestionBadge({ sessionId }: PanelProps): number | null {
    const count = useSyncExternalStore((listener) => {
        listeners.add(listener);
        return () => void listeners.delete(listener);
    }, () => counts[sessionId] ?? 0);
    const [asked] = useState(() => (note: AgentNote) => {
        if (!note.kind.startsWith("approval.")) return;
        if (note.kind === "approval.requested" && !seen.has(sessionId)) {
            unsay(sessionId);
            const shown = toast("The agent asks you something", {
                hint: inert(note.text ?? "", 120),
                action: { label: "Look", run: () => openPanel("agent") },
            });
            said.set(sessionId, shown);
        }
        void look(sessionId);
    });
    useAgentNotes(sessionId, asked);
    useEffect(() => void look(sessionId), [sessionId]);
    return count || null;
}

async function look(sessionId: string) {
    try {
        setQuestions(sessionId, (await agents.session(sessionId)).approvals.length);
    } catch {
        // Who may not see the agent has no questions to answer.
        setQuestions(sessionId, 0);
    }
}
