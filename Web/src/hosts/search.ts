import type { Host } from "../api/types";

/** Words must all be found somewhere; `tag:gpu` and `env:prod` look in one place alone. */
export function matches(
    host: Pick<Host, "alias" | "environment" | "purpose" | "tags"> & Partial<Host>,
    query: string,
): boolean {
    return query.toLowerCase().split(/\s+/).filter(Boolean).every((word) => {
        const [field, value] = word.includes(":") ? (word.split(":", 2) as [string, string]) : ["", word];
        if (field === "tag") return (host.tags ?? []).some((tag) => tag.toLowerCase().startsWith(value));
        if (field === "env") return host.environment.startsWith(value);
        return [host.alias, host.address, host.username, host.purpose, host.environment, ...(host.tags ?? [])]
            .some((text) => text?.toLowerCase().includes(word));
    });
}

/** Live ones first, then the ones used last, then by name. */
export function inUsefulOrder<T extends Pick<Host, "alias" | "lastUsedAt"> & Partial<Host>>(hosts: T[]): T[] {
    return [...hosts].sort((a, b) =>
        Number((b.activeSessions ?? 0) > 0) - Number((a.activeSessions ?? 0) > 0) ||
        (b.lastUsedAt ?? "").localeCompare(a.lastUsedAt ?? "") ||
        a.alias.localeCompare(b.alias)
    );
}
