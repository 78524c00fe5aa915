import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { api, type ApiError, asApiError } from "../api/client";
import { type Action, offerActions } from "../app/actions";
import { openPalette } from "../app/palette";
import { amendQuery, useRoute } from "../app/router";
import { addTerminals, openTerminal } from "../app/session";
import { toast, useStore } from "../app/store";
import { Problem, Skeleton } from "../ui/display";
import { Divider } from "../ui/Divider";
import { useIsNarrow } from "../ui/narrow";
import { go } from "../app/router";
import { broadcast } from "./broadcast";
import { BroadcastBanner } from "./BroadcastBanner";
import { arrange, type Border, type Layout, LEAST_SHARE, sessionsOf, withShare, write } from "./layout";
import "./panelList";
import { panelNamed, togglePanel } from "./panels";
import { changeLayout, keepLayout, layoutInAddress, showTab, tabOf, useTabs } from "./tabs";
import { TabStrip } from "./TabStrip";
import { TerminalPane } from "./TerminalPane";

/** All terminals of this browser tab. They stay while other screens are looked at; only those in view get output. */
export default function Workspace({ active }: { active: string | null }) {
    const open = useStore((s) => s.openTerminals);
    const isNarrow = useIsNarrow();
    const tabs = useTabs();
    const shown = useMemo<Layout | null>(() => {
        if (active === null) return null;
        return isNarrow ? active : tabs.find((tab) => sessionsOf(tab).includes(active)) ?? active;
    }, [active, isNarrow, tabs.map(write).join(" ")]);
    const { panes, borders } = useMemo(
        () => (shown === null ? { panes: new Map(), borders: [] } : arrange(shown)),
        [shown],
    );
    const visited = useRef(new Set<string>());
    for (const session of panes.keys()) visited.current.add(session);
    const [slot, setSlot] = useState<HTMLElement | null>(null);
    const [ended, setEnded] = useState<ReadonlySet<string>>(new Set());
    const onEnded = useCallback((id: string) => setEnded((before) => new Set(before).add(id)), []);
    const isOpen = open.some((terminal) => terminal.id === active);
    const error = useLinked(active, isOpen);
    useAddress(active, shown, isNarrow);
    useTabActions(tabs, active);
    useEffect(() => broadcast.inView([...panes.keys()]), [panes]);

    return (
        <main className="workspace" hidden={active === null} data-testid="workspace">
            <TabStrip tabs={isNarrow ? open.map(({ id }) => id) : tabs} active={active} ended={ended} />
            {active && !isOpen && (
                <div className="workspace-wait">
                    {error ? <Problem error={error} retry={() => go("/sessions")} /> : <Skeleton rows={3} />}
                </div>
            )}
            <BroadcastBanner />
            <div className="workspace-body">
                <div className="panes" data-testid="panes" data-count={panes.size}>
                    {open.filter((terminal) => visited.current.has(terminal.id)).map((terminal) => (
                        <TerminalPane
                            key={terminal.id}
                            tab={terminal}
                            rect={panes.get(terminal.id) ?? null}
                            hasFocus={terminal.id === active}
                            isAlone={panes.size < 2}
                            panelSlot={slot}
                            onEnded={onEnded}
                        />
                    ))}
                    {shown !== null && borders.map((border) => (
                        <PaneBorder key={border.path.join("/")} layout={shown} border={border} />
                    ))}
                </div>
                <div className="panel-slot" ref={setSlot} />
            </div>
        </main>
    );
}

function PaneBorder({ layout, border: { path, split, rect } }: { layout: Layout; border: Border }) {
    const place = useRef<HTMLDivElement>(null);
    const isRow = split.axis === "row";
    const perPixel = () => {
        const box = place.current?.getBoundingClientRect();
        const length = (isRow ? box?.width : box?.height) ?? 0;
        return length > 0 ? 100 / length : 0;
    };
    return (
        <div
            className="pane-border"
            ref={place}
            style={{ left: `${rect.left}%`, top: `${rect.top}%`, width: `${rect.width}%`, height: `${rect.height}%` }}
        >
            <Divider
                axis={split.axis}
                label="Border between two panes"
                value={split.share}
                least={LEAST_SHARE}
                most={100 - LEAST_SHARE}
                step={4}
                perPixel={perPixel}
                style={isRow ? { left: `calc(${split.share}% - 4px)` } : { top: `calc(${split.share}% - 4px)` }}
                testid="pane-divider"
                onChange={(share) => changeLayout(withShare(layout, path, share))}
            />
        </div>
    );
}

/** Somebody followed a link to a session, or to several that share a tab: opens what is not open yet. */
function useLinked(active: string | null, isOpen: boolean): ApiError | null {
    const [error, setError] = useState<ApiError | null>(null);
    const { query } = useRoute();
    const split = query.get("split");
    useEffect(() => {
        setError(null);
        if (!active || isOpen) return;
        let isGone = false;
        api.session(active)
            .then((session) => {
                if (!isGone) openTerminal(session, "stay");
            })
            .catch((problem) => {
                if (!isGone) setError(asApiError(problem));
            });
        return () => void (isGone = true);
    }, [active, isOpen]);
    useEffect(() => {
        const layout = active ? layoutInAddress(active) : null;
        if (!active || !layout || !isOpen) return;
        keepLayout(layout);
        void addTerminals(sessionsOf(layout)).then((missing) => {
            if (missing > 0) toast(missing === 1 ? "A session of this link is gone" : `${missing} sessions of this link are gone`);
        });
    }, [active, isOpen, split]);
    return error;
}

/** The address always says which layout is shown, however it came to be. */
function useAddress(active: string | null, shown: Layout | null, isNarrow: boolean) {
    const text = shown === null || typeof shown === "string" ? null : write(shown);
    useEffect(() => {
        if (active === null || isNarrow || !layoutIsSettled(active)) return;
        amendQuery({ split: text });
    }, [active, text, isNarrow]);
}

/** A link's layout is kept first, and its sessions are opened, before the address follows what is shown. */
function layoutIsSettled(active: string): boolean {
    const wished = layoutInAddress(active);
    return wished === null || write(tabOf(active)) === write(wished) || typeof tabOf(active) !== "string";
}

function useTabActions(tabs: Layout[], active: string | null) {
    const list = tabs.map(write).join(" ");
    useEffect(() => {
        if (active === null) return;
        const several = tabs.length > 1;
        const jumps = tabs.slice(0, 9).map((tab, index): Action => ({
            id: `tab-${index + 1}`,
            group: "Panes",
            label: `Tab ${index + 1}`,
            icon: "terminal",
            keys: several ? `Alt+${index + 1}` : undefined,
            keysOnly: true,
            run: () => showTab(tab),
        }));
        const panels = [1, 2, 3, 4, 5, 6].map((number): Action => ({
            id: `panel-${number}`,
            group: "Panels",
            label: `Panel ${number} beside the terminal`,
            icon: "people",
            keys: `Ctrl+Shift+${number}`,
            keysOnly: true,
            run: () => pressPanel(number),
        }));
        return offerActions([...jumps, ...panels, {
            id: "new-terminal",
            group: "Panes",
            label: "Open another terminal",
            icon: "plus",
            keys: "Ctrl+Shift+L",
            run: () => openPalette({ kind: "all" }),
        }]);
    }, [list, active]);
}

/** The buttons are in the order of their numbers, and only those that this session has. */
function pressPanel(number: number) {
    const buttons = document.querySelectorAll<HTMLElement>(".terminal-pane[data-focused=true] .panel-button");
    const id = buttons[number - 1]?.dataset.testid?.replace(/-open$/, "");
    if (id && panelNamed(id)) togglePanel(id);
}

