import { useCallback, useEffect, useRef, useState } from "react";
import { api, type ApiError, asApiError } from "../api/client";
import { go } from "../app/router";
import { closeTerminal, openTerminal } from "../app/session";
import { useStore } from "../app/store";
import { Button } from "../ui/controls";
import { Problem, Skeleton } from "../ui/display";
import { Icon } from "../ui/Icon";
import { inert } from "../ui/text";
import { TerminalPane } from "./TerminalPane";

/** All terminals of this browser tab. They stay while other screens are looked at; only the shown one gets output. */
export default function Workspace({ active }: { active: string | null }) {
    const tabs = useStore((s) => s.openTerminals);
    const visited = useRef(new Set<string>());
    if (active) visited.current.add(active);
    const [error, setError] = useState<ApiError | null>(null);
    const [ended, setEnded] = useState<ReadonlySet<string>>(new Set());
    const onEnded = useCallback((id: string) => setEnded((before) => new Set(before).add(id)), []);
    const isOpen = tabs.some((tab) => tab.id === active);

    useEffect(() => {
        setError(null);
        if (!active || isOpen) return;
        // Somebody followed a link to the session.
        let isGone = false;
        api.session(active)
            .then((session) => {
                if (!isGone) openTerminal(session);
            })
            .catch((problem) => {
                if (!isGone) setError(asApiError(problem));
            });
        return () => void (isGone = true);
    }, [active, isOpen]);

    const selectTab = (index: number) => {
        const tab = tabs[index];
        if (tab) go(`/s/${tab.id}`);
    };
    return (
        <main className="workspace" hidden={active === null} data-testid="workspace">
            <nav className="terminal-tabs" aria-label="Open terminals" data-count={tabs.length}>
                {tabs.map((tab, index) => (
                    <span
                        key={tab.id}
                        className="terminal-tab"
                        data-active={tab.id === active}
                        data-environment={tab.environment}
                    >
                        <button
                            type="button"
                            aria-current={tab.id === active ? "page" : undefined}
                            onClick={() => selectTab(index)}
                            title={`Alt+${index + 1}`}
                        >
                            <Icon name="terminal" size={15} />
                            <span>{inert(tab.alias, 40)}</span>
                        </button>
                        <Button
                            tone="quiet"
                            small
                            icon="close"
                            aria-label={ended.has(tab.id)
                                ? `Close ${inert(tab.alias, 40)}`
                                : `Leave ${inert(tab.alias, 40)}; the session goes on`}
                            onClick={() => closeTerminal(tab.id)}
                        />
                    </span>
                ))}
                <Button
                    tone="quiet"
                    small
                    icon="plus"
                    aria-label="Connect to another host"
                    onClick={() => go("/hosts")}
                />
            </nav>
            {active && !isOpen && (
                <div className="workspace-wait">
                    {error ? <Problem error={error} retry={() => go("/sessions")} /> : <Skeleton rows={3} />}
                </div>
            )}
            {tabs.filter((tab) => visited.current.has(tab.id)).map((tab) => (
                <TerminalPane key={tab.id} tab={tab} isActive={tab.id === active} nextTab={selectTab} onEnded={onEnded} />
            ))}
        </main>
    );
}
