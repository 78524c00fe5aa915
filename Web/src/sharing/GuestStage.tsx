import { lazy, Suspense, useEffect } from "react";
import { useRoute } from "../app/router";
import { useStore } from "../app/store";
import { Guard } from "../app/Guard";
import { onNote } from "../terminal/notes";
import { Skeleton } from "../ui/display";
import { leave } from "./guest";

const Workspace = lazy(() => import("../terminal/Workspace"));

/** All that somebody without an account sees: the one session that their link leads to. */
export function GuestStage() {
    const route = useRoute();
    const session = useStore((s) => s.openTerminals[0]);
    const active = route.path[0] === "s" ? route.path[1] ?? null : null;
    useEffect(() => {
        if (session) document.title = `${session.alias} · SSH Copilot`;
    }, [session]);
    useEffect(() =>
        onNote("notice", (value) => {
            const { code, sentence } = value as { code: string; sentence: string };
            if (code === "seat_removed") leave(sentence);
        }), []);
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
