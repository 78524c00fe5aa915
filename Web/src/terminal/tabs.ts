import { amendQuery, currentRoute, go, replace } from "../app/router";
import { setLayouts, store, useStore } from "../app/store";
import { type Layout, only, parse, sessionsOf, type Split, withSplit, without, write } from "./layout";

// Open terminals stand in tabs; a tab holds one, or several that share it. The address holds the layout of the tab that
// is shown, the store those of the others.

/** The layouts of all tabs, in the order of their first sessions among the open terminals. */
export function tabsOf(open: readonly { id: string }[], layouts: readonly string[]): Layout[] {
    const isOpen = (session: string) => open.some((terminal) => terminal.id === session);
    const shared = layouts.map(parse).flatMap((layout) => {
        const rest = layout && only(layout, isOpen);
        return rest ? [rest] : [];
    });
    const seen = new Set<string>();
    return open.flatMap(({ id }) => {
        if (seen.has(id)) return [];
        const layout = shared.find((one) => sessionsOf(one).includes(id)) ?? id;
        for (const session of sessionsOf(layout)) seen.add(session);
        return [layout];
    });
}

export function useTabs(): Layout[] {
    const open = useStore((s) => s.openTerminals);
    const layouts = useStore((s) => s.layouts);
    return tabsOf(open, layouts);
}

const currentTabs = () => tabsOf(store.get().openTerminals, store.get().layouts);

export const tabOf = (session: string): Layout =>
    currentTabs().find((layout) => sessionsOf(layout).includes(session)) ?? session;

/** Keeps a layout; what it holds is no longer part of any other. */
export function keepLayout(layout: Layout) {
    const taken = new Set(sessionsOf(layout));
    const others = store.get().layouts.flatMap((text) => {
        const other = parse(text);
        const rest = other && only(other, (session) => !taken.has(session));
        return rest && typeof rest !== "string" ? [write(rest)] : [];
    });
    setLayouts(typeof layout === "string" ? others : [...others, write(layout)]);
}

/** Where a tab is shown with one of its panes in focus. The open panel stays open. */
export function addressOf(layout: Layout, focus: string): string {
    const query = new URLSearchParams();
    if (typeof layout !== "string") query.set("split", write(layout));
    const panel = currentRoute().query.get("panel");
    if (panel) query.set("panel", panel);
    const text = query.toString();
    return `/s/${encodeURIComponent(focus)}${text ? `?${text}` : ""}`;
}

export const showTab = (layout: Layout, focus = sessionsOf(layout)[0] ?? "") => go(addressOf(layout, focus));

/** Moves the focus within the tab; not a place to come back to. */
export function focusPane(session: string) {
    if (currentRoute().path[1] !== session) replace(addressOf(tabOf(session), session));
}

/** Puts a session that is open beside or below another, and the focus into it. */
export function splitWith(beside: string, axis: Split["axis"], added: string) {
    const layout = withSplit(without(tabOf(beside), added) ?? beside, beside, axis, added);
    keepLayout(layout);
    replace(addressOf(layout, added));
}

/** Takes a session out of the tab that it shares; it gets a tab of its own. */
export function moveToOwnTab(session: string) {
    const rest = without(tabOf(session), session);
    if (rest === null) return;
    keepLayout(session);
    keepLayout(rest);
    showTab(session, session);
}

export function changeLayout(layout: Layout) {
    keepLayout(layout);
    amendQuery({ split: typeof layout === "string" ? null : write(layout) });
}

/** The layout that the address asks for, when it belongs to the session that is shown. */
export function layoutInAddress(active: string): Layout | null {
    const layout = parse(currentRoute().query.get("split") ?? "");
    return layout && sessionsOf(layout).includes(active) ? layout : null;
}
