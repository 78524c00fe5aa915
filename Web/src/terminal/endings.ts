import type { SessionEnding } from "../api/types";
import { inert } from "../ui/text";

/** Why a session is over, in a sentence. */
export function endingSentence(ending: SessionEnding | null): string {
    if (!ending) return "The session has ended.";
    const detail = ending.detail ? inert(ending.detail, 300) : "";
    switch (ending.reason) {
        case "exit":
            if (ending.signal) return `The shell was ended by the signal ${inert(ending.signal, 24)}.`;
            return ending.exitStatus === 0 || ending.exitStatus == null
                ? "The shell exited."
                : `The shell exited with status ${ending.exitStatus}.`;
        case "ended_by":
            return detail || "Somebody ended the session.";
        case "host_lost":
            return `The link to the host was lost. ${causeOfLoss(detail)}`.trim();
        case "idle":
            return "The session was idle for too long.";
        case "no_seats":
            return "Nobody was in the session for too long.";
        case "shutdown":
            return "The copilot was stopped.";
        default:
            return detail || `The session failed (${inert(ending.reason, 40)}).`;
    }
}

/** What the detail adds to the sentence that the link was lost. */
function causeOfLoss(detail: string): string {
    const cause = detail.replace(/^The connection to the host was lost: */, "");
    return /^The connection to the host (broke off|was lost)\.?$/.test(cause) ? "" : cause;
}
