import { Suspense, useEffect, useId, useRef } from "react";
import { Button, Dialog } from "../ui/controls";
import { Skeleton } from "../ui/display";
import { Divider } from "../ui/Divider";
import { Icon } from "../ui/Icon";
import { useIsNarrow } from "../ui/narrow";
import { changeSettings, useStore } from "../app/store";
import { type Panel, type PanelProps, panelsFor, togglePanel, useOpenPanel } from "./panels";

const NARROWEST = 280;
const WIDEST = 900;

/** The open panel: beside the terminal where there is room for both, over it on a phone. */
export function PanelPlace({ panel, props }: { panel: Panel; props: PanelProps }) {
    const isNarrow = useIsNarrow();
    const content = (
        <Suspense fallback={<Skeleton rows={3} />}>
            <panel.component {...props} />
        </Suspense>
    );
    if (isNarrow) {
        return (
            <Dialog side title={panel.label} onClose={props.close} testid={`${panel.id}-drawer`}>
                {content}
            </Dialog>
        );
    }
    return <SidePanel panel={panel} close={props.close}>{content}</SidePanel>;
}

function SidePanel({ panel, close, children }: { panel: Panel; close: () => void; children: React.ReactNode }) {
    const width = useStore((s) => s.settings.panelWidth);
    const element = useRef<HTMLElement>(null);
    const heading = useId();
    useEffect(() => {
        element.current?.focus({ preventScroll: true });
        // Not only from inside: a button that was pressed here may be gone, and the focus with it.
        const escape = (event: KeyboardEvent) => {
            const target = event.target instanceof Element ? event.target : null;
            if (event.key !== "Escape" || event.defaultPrevented) return;
            if (target?.closest(".terminal-room, dialog, .menu")) return;
            event.preventDefault();
            close();
        };
        document.addEventListener("keydown", escape);
        return () => document.removeEventListener("keydown", escape);
        // The panel that is shown says where the focus goes; the way to close it stays the same.
    }, [panel.id]);
    return (
        <aside
            className="side-panel"
            ref={element}
            tabIndex={-1}
            aria-labelledby={heading}
            style={{ width }}
            data-testid={`${panel.id}-drawer`}
        >
            <Divider
                axis="row"
                label={`Width of ${panel.label}`}
                value={width}
                least={NARROWEST}
                most={WIDEST}
                fromEnd
                onChange={(panelWidth) => changeSettings({ panelWidth })}
            />
            <header>
                <h2 id={heading}>{panel.label}</h2>
                <Button tone="quiet" icon="close" aria-label={`Close ${panel.label}`} onClick={close} />
            </header>
            <div className="side-panel-content">{children}</div>
        </aside>
    );
}

/** The header's buttons, one for each panel. */
export function PanelButtons({ props }: { props: PanelProps }) {
    const open = useOpenPanel();
    return (
        <>
            {panelsFor(props.seat).map((panel, index) => (
                <button
                    key={panel.id}
                    type="button"
                    className={`panel-button ${panel.face ? "with-face" : ""}`}
                    aria-expanded={open?.id === panel.id}
                    title={index < 9 ? `${panel.label} (Ctrl+Shift+${index + 1})` : panel.label}
                    data-testid={`${panel.id}-open`}
                    onClick={() => togglePanel(panel.id)}
                >
                    {panel.face ? <panel.face {...props} /> : <Icon name={panel.icon} />}
                    <span className="panel-label">{panel.label}</span>
                    <PanelBadge panel={panel} props={props} />
                </button>
            ))}
        </>
    );
}

/** A component of its own, since a badge is a hook and panels may come later. */
export function PanelBadge({ panel, props }: { panel: Panel; props: PanelProps }) {
    return panel.badge ? <Badge key={panel.id} badge={panel.badge} props={props} /> : null;
}

function Badge({ badge, props }: { badge: NonNullable<Panel["badge"]>; props: PanelProps }) {
    const value = badge(props);
    return value === null || value === 0 ? null : <span className="panel-badge">{value}</span>;
}
