import type { AgentMode, AgentSudo } from "./api";

/** The modes in the person's words: a name, and what it comes to. */
export const modeWords: Record<AgentMode, { label: string; note: string }> = {
    observe: { label: "Look only", note: "It sees the terminal and runs nothing." },
    read_only: { label: "Read only", note: "It runs commands that only read." },
    supervised: { label: "Supervised", note: "Commands that only read run at once; you decide about every other." },
    trusted: { label: "Trusted", note: "You are asked only about what destroys, reads secrets, or needs root." },
};

export const sudoWords: Record<AgentSudo, string> = { never: "Never", ask: "Ask me", allow: "Allow" };

/** What a command may do, in one word each; the gravest first. */
const effectWords: [string, string][] = [
    ["power", "restarts or switches off"],
    ["destructive", "destroys"],
    ["privileged", "as root"],
    ["secrets", "reads secrets"],
    ["system", "changes the system"],
    ["service", "stops or restarts services"],
    ["network", "talks to other machines"],
    ["write", "writes"],
    ["interactive", "takes the terminal"],
    ["unknown", "can't be told"],
];
const grave = new Set(["power", "destructive", "privileged", "secrets"]);

/** At most four, each with whether it can't be undone or goes beyond the account. */
export const effects = (classes: string[]): { name: string; words: string; isGrave: boolean }[] =>
    effectWords
        .filter(([name]) => classes.includes(name))
        .slice(0, 4)
        .map(([name, words]) => ({ name, words, isGrave: grave.has(name) }));

const stateWords: Record<string, string> = {
    awaiting_approval: "waits for you",
    queued: "waits",
    running: "runs",
    stopped: "stopped",
    denied: "denied",
    approval_expired: "not answered",
    lost: "link lost",
    failed: "not started",
};

/** How a command ended or where it stands: "exit 0", "SIGKILL", "runs". */
export function commandState(command: { state: string; exitCode?: number; signal?: string }): string {
    if (command.state === "exited") return `exit ${command.exitCode ?? "?"}`;
    if (command.state === "signaled") return command.signal ?? "ended by a signal";
    return stateWords[command.state] ?? command.state;
}

/** Lines of a field, without the empty ones. */
export const lines = (text: string): string[] => text.split("\n").map((line) => line.trim()).filter(Boolean);
