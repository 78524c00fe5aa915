import { lazy, Suspense, useEffect } from "react";
import { useRoute } from "../app/router";
import { useStore } from "../app/store";
import { Guard } from "../app/Guard";
import { Skeleton } from "../ui/display";

const Workspace = lazy(() => import("../terminal/Workspace"));

/** All that somebody without an account sees: the one session that their link leads to. */
export function GuestStage() {
    const route = useRoute();
    const session = useStore((s) => s.openTerminals[0]);
    const active = route.path[0] === "s" ? route.path[1] ?? null : null;
    useEffect(() => {
        if (session) document.title = `${session.alias} · SSH Copilot`;
    }, [session]);
    return (
        <div className="guest-stage">
            <Guard>
                <Suspense fallback={<Skeleton />}>
                    <Workspace active={active ?? session?.id ?? null} />
                </Suspense>
            </Guard>
        </div>
    );
}
