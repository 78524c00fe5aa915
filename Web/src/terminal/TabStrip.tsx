import { useEffect, useRef } from "react";
import { openPalette } from "../app/palette";
import { closeTerminal } from "../app/session";
import { useStore } from "../app/store";
import { Button } from "../ui/controls";
import { Icon } from "../ui/Icon";
import { inert } from "../ui/text";
import { type Layout, sessionsOf, write } from "./layout";
import { showTab } from "./tabs";

/** The open terminals, one tab for each layout. */
export function TabStrip({ tabs, active, ended }: {
    tabs: Layout[];
    active: string | null;
    ended: ReadonlySet<string>;
}) {
    const open = useStore((s) => s.openTerminals);
    const current = useRef<HTMLSpanElement>(null);
    useEffect(() => {
        current.current?.scrollIntoView({ block: "nearest", inline: "nearest" });
    }, [active]);
    const alias = (id: string) => inert(open.find((one) => one.id === id)?.alias ?? "", 40);
    return (
        <nav className="terminal-tabs" aria-label="Open terminals" data-count={tabs.length}>
            {tabs.map((tab, index) => {
                const sessions = sessionsOf(tab);
                const isActive = active !== null && sessions.includes(active);
                const first = open.find((one) => one.id === (isActive ? active : sessions[0]));
                const label = sessions.map(alias).join(" + ");
                return (
                    <span
                        key={write(tab)}
                        className="terminal-tab"
                        ref={isActive ? current : undefined}
                        data-testid="terminal-tab"
                        data-active={isActive}
                        data-environment={first?.environment}
                    >
                        <button
                            type="button"
                            aria-current={isActive ? "page" : undefined}
                            onClick={() => showTab(tab, isActive && active ? active : undefined)}
                            onAuxClick={(event) => {
                                if (event.button === 1) closeTab(sessions);
                            }}
                            title={`Alt+${index + 1}`}
                        >
                            <Icon name={sessions.length > 1 ? "split-right" : "terminal"} size={15} />
                            <span>{label}</span>
                        </button>
                        <Button
                            tone="quiet"
                            small
                            icon="close"
                            aria-label={sessions.every((id) => ended.has(id))
                                ? `Close ${label}`
                                : `Leave ${label}; the ${sessions.length > 1 ? "sessions go" : "session goes"} on`}
                            onClick={() => closeTab(sessions)}
                        />
                    </span>
                );
            })}
            <Button
                tone="quiet"
                small
                icon="plus"
                aria-label="Connect to another host"
                title="Another terminal (Ctrl+Shift+L)"
                onClick={() => openPalette({ kind: "all" })}
            />
        </nav>
    );
}

function closeTab(sessions: string[]) {
    for (const session of sessions) closeTerminal(session);
}
