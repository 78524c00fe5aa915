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

/** The tags of these hosts, those of many hosts first. */
export function tagsOf(hosts: Pick<Host, "tags">[]): { tag: string; count: number }[] {
    const counts = new Map<string, number>();
    for (const host of hosts) for (const tag of host.tags ?? []) counts.set(tag, (counts.get(tag) ?? 0) + 1);
    return [...counts].map(([tag, count]) => ({ tag, count })).sort((a, b) =>
        b.count - a.count || a.tag.localeCompare(b.tag)
    );
}

/** Favourites first, then live ones, then the ones used last, then by name. */
export function inUsefulOrder<T extends Pick<Host, "alias" | "lastUsedAt"> & Partial<Host>>(hosts: T[]): T[] {
    return [...hosts].sort((a, b) =>
        Number(b.favourite ?? false) - Number(a.favourite ?? false) ||
        Number((b.activeSessions ?? 0) > 0) - Number((a.activeSessions ?? 0) > 0) ||
        (b.lastUsedAt ?? "").localeCompare(a.lastUsedAt ?? "") ||
        a.alias.localeCompare(b.alias)
    );
}
