import type { ComponentType } from "react";
import type { SeatView } from "../api/types";
import { amendQuery, currentRoute, useRoute } from "../app/router";
import type { IconName } from "../ui/Icon";
import type { ChannelState, TerminalChannel } from "./channel";

/** What a panel gets of the terminal that it stands beside. */
export interface PanelProps {
    sessionId: string;
    channel: TerminalChannel;
    seat: SeatView;
    state: ChannelState;
    /** Puts text at the prompt as a paste does: cleaned of control bytes, asked about where lines would run at once. */
    insert(text: string): void;
    close(): void;
}

/** Something beside the terminal: a panel at its side on a desk, a sheet from below on a phone. */
export interface Panel {
    /** A word of lower-case letters: it stands in the address as `?panel=ID`. */
    id: string;
    icon: IconName;
    label: string;
    /** Best made with `lazy`, so that nobody waits for a panel that stays closed. */
    component: ComponentType<PanelProps>;
    /** A hook: what to show on the button, such as a number of unread messages; null for nothing. */
    badge?: (props: PanelProps) => number | string | null;
    /** What the button in the header shows instead of the icon. */
    face?: ComponentType<PanelProps>;
    /** Whether the panel has a place in this session; it has without this. */
    isFor?: (seat: SeatView) => boolean;
    /** Among the others; 50 without this. */
    order?: number;
}

const panels: Panel[] = [];
const order = (panel: Panel) => panel.order ?? 50;

/** Adds a panel to every terminal, or puts a newer one of the same name in its place. Called while modules load. */
export function registerPanel(panel: Panel) {
    const index = panels.findIndex((other) => other.id === panel.id);
    if (index >= 0) panels.splice(index, 1);
    const next = panels.findIndex((other) => order(other) > order(panel));
    panels.splice(next < 0 ? panels.length : next, 0, panel);
}

export const panelsFor = (seat: SeatView): Panel[] => panels.filter((panel) => panel.isFor?.(seat) ?? true);

export const panelNamed = (id: string | null): Panel | null => panels.find((panel) => panel.id === id) ?? null;

/** Which panel is open is part of the address, so that a link can lead to it and a phone's Back closes it. */
export const useOpenPanel = (): Panel | null => panelNamed(useRoute().query.get("panel"));

export const openPanel = (id: string) => amendQuery({ panel: id }, "visit");

export const closePanel = () => amendQuery({ panel: null }, "return");

export function togglePanel(id: string) {
    if (currentRoute().query.get("panel") === id) closePanel();
    else openPanel(id);
}
