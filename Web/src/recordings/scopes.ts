import type { SearchScope } from "../api/types";

/** Where a search looks. */
export const SCOPES: { value: SearchScope; label: string }[] = [
    { value: "all", label: "Everything" },
    { value: "commands", label: "Typed or run" },
    { value: "output", label: "Output" },
    { value: "chat", label: "Chat" },
];
