import { type ReactNode, useEffect, useState } from "react";
import type { ApiError } from "../api/client";
import { dismissToast, type Loadable, useStore } from "../app/store";
import { Button } from "./controls";
import { Icon, type IconName } from "./Icon";
import { ago, environmentLabel, hueOf, inert, initials } from "./text";

export function EnvironmentLabel({ environment }: { environment: string }) {
    return (
        <span className="environment" data-environment={environment}>
            {environmentLabel[environment] ?? inert(environment, 24)}
        </span>
    );
}

export function Avatar(
    { id, name, size = 26, keyboard }: { id: string; name: string; size?: number; keyboard?: boolean },
) {
    return (
        <span
            className={`avatar ${keyboard ? "holds-keyboard" : ""}`}
            title={inert(name, 64)}
            aria-hidden="true"
            style={{ width: size, height: size, fontSize: size * 0.4, ["--hue" as string]: hueOf(id) }}
        >
            {initials(name)}
        </span>
    );
}

export function Randomart({ text, label }: { text: string; label: string }) {
    return <pre className="randomart" role="img" aria-label={`Randomart of ${label}`}>{text}</pre>;
}

/** What is shown when there is nothing: why, and the one thing to do. */
export function Empty(
    { icon, title, children, action }: { icon: IconName; title: string; children?: ReactNode; action?: ReactNode },
) {
    return (
        <div className="empty">
            <span className="empty-icon">
                <Icon name={icon} size={26} />
            </span>
            <h2>{title}</h2>
            {children && <p>{children}</p>}
            {action}
        </div>
    );
}

export function Problem(
    { error, retry, compact, testid = "problem" }: {
        error: ApiError;
        retry?: () => void;
        compact?: boolean;
        testid?: string;
    },
) {
    if (error.status === 403 && error.missing && !compact) {
        return <NoPermission permission={error.missing} hint={error.hint} />;
    }
    return (
        <div className={`problem ${compact ? "compact" : ""}`} role="alert" data-testid={testid} data-code={error.code}>
            <Icon name={error.isOffline ? "offline" : "alert"} />
            <div>
                <p className="problem-text">{inert(error.message, 600)}</p>
                {error.hint && <p className="problem-hint">{inert(error.hint, 600)}</p>}
            </div>
            {retry && <Button small icon="refresh" onClick={retry}>Try again</Button>}
        </div>
    );
}

export function NoPermission({ permission, hint }: { permission: string; hint?: string }) {
    return (
        <Empty icon="lock" title="You don't have this permission">
            {"It needs "}
            <code>{permission}</code>
            {". "}
            {hint || "An administrator can give you a role that has it."}
        </Empty>
    );
}

export function Skeleton({ rows = 4 }: { rows?: number }) {
    return (
        <div className="skeleton" aria-busy="true" aria-label="Loading">
            {Array.from({ length: rows }, (_, index) => <span key={index} />)}
        </div>
    );
}

/** Every list's states in one place: loading, failed, failed with something older to show, empty, ready. */
export function Listing<T>({ value, reload, empty, children }: {
    value: Loadable<T[]>;
    reload: () => void;
    empty: ReactNode;
    children: (items: T[]) => ReactNode;
}) {
    if (!value.data) return value.error ? <Problem error={value.error} retry={reload} /> : <Skeleton />;
    return (
        <>
            {value.error && (
                <div className="stale" role="status">
                    <Icon name="offline" />
                    <span>
                        {value.error.message} This list is of{" "}
                        {value.loadedAt ? ago(value.loadedAt) : "an unknown time"}.
                    </span>
                    <Button small onClick={reload}>Try again</Button>
                </div>
            )}
            {value.data.length === 0 ? empty : children(value.data)}
        </>
    );
}

export function PageHead({ title, children, note }: { title: ReactNode; children?: ReactNode; note?: ReactNode }) {
    return (
        <header className="page-head">
            <div>
                <h1>{title}</h1>
                {note && <p>{note}</p>}
            </div>
            {children && <div className="page-actions">{children}</div>}
        </header>
    );
}

export function Toasts() {
    const toasts = useStore((s) => s.toasts);
    return (
        <div className="toasts" role="status" aria-live="polite">
            {toasts.map((toast) => (
                <div key={toast.id} className={`toast ${toast.tone}`} data-testid="toast">
                    <Icon name={toast.tone === "bad" ? "alert" : toast.tone === "good" ? "check" : "info"} />
                    <div>
                        <p>{inert(toast.text, 400)}</p>
                        {toast.hint && <p className="toast-hint">{inert(toast.hint, 400)}</p>}
                    </div>
                    {toast.action && (
                        <Button
                            small
                            onClick={() => {
                                toast.action?.run();
                                dismissToast(toast.id);
                            }}
                        >
                            {toast.action.label}
                        </Button>
                    )}
                    <Button
                        tone="quiet"
                        small
                        icon="close"
                        aria-label="Dismiss"
                        onClick={() => dismissToast(toast.id)}
                    />
                </div>
            ))}
        </div>
    );
}

/** The time now, told again at each interval, for ages and count-downs. */
export function useNow(milliseconds: number): number {
    const [now, setNow] = useState(() => Date.now());
    useEffect(() => {
        const timer = setInterval(() => setNow(Date.now()), milliseconds);
        return () => clearInterval(timer);
    }, [milliseconds]);
    return now;
}
