import { lazy, Suspense, useEffect, type ReactNode } from "react";
import { Audit } from "../audit/Audit";
import { AddHost } from "../hosts/AddHost";
import { ChangedKey } from "../hosts/ChangedKey";
import { HostPage } from "../hosts/HostPage";
import { Hosts } from "../hosts/Hosts";
import { People } from "../people/People";
import { SignIn } from "../people/SignIn";
import { Welcome } from "../people/Welcome";
import { Recordings } from "../recordings/Recordings";
import { Sessions } from "../sessions/Sessions";
import { Settings } from "../settings/Settings";
import { Button } from "../ui/controls";
import { Empty, Problem, Skeleton, Toasts } from "../ui/display";
import { More, Shell } from "./Shell";
import { start } from "./session";
import { replace, useRoute } from "./router";
import { useStore } from "./store";

// The terminal is half of the page's weight; whoever only looks at hosts does not wait for it.
const Workspace = lazy(() => import("../terminal/Workspace"));
const Player = lazy(() => import("../recordings/Player"));

const PROTOCOL = 1;

export function App() {
    const phase = useStore((s) => s.phase);
    return (
        <>
            {phase === "starting" && <div className="splash" aria-busy="true"><Skeleton rows={3} /></div>}
            {phase === "unreachable" && <Unreachable />}
            {phase === "signed-out" && <SignedOut />}
            {phase === "signed-in" && <SignedIn />}
            <Toasts />
        </>
    );
}

function Unreachable() {
    const error = useStore((s) => s.startError);
    return <div className="splash">{error && <Problem error={error} retry={() => void start()} />}</div>;
}

function SignedOut() {
    const { path, query } = useRoute();
    const token = query.get("token");
    if (path[0] === "welcome" && token) return <Welcome token={token} />;
    return <SignIn />;
}

function SignedIn() {
    const route = useRoute();
    const hasTerminals = useStore((s) => s.openTerminals.length > 0);
    const protocol = useStore((s) => s.server?.protocol);
    const [screen, id, detail] = route.path;
    useEffect(() => {
        if (!screen || screen === "sign-in" || screen === "welcome") replace("/hosts");
    }, [screen]);
    const terminal = screen === "s" ? id ?? null : null;
    return (
        <Shell isTerminal={terminal !== null} wrongProtocol={protocol !== undefined && protocol !== PROTOCOL}>
            {terminal === null && <Suspense fallback={<Page><Skeleton /></Page>}>{screenFor(screen, id, detail, route.query)}</Suspense>}
            {(terminal !== null || hasTerminals) && (
                <Suspense fallback={terminal ? <Page><Skeleton /></Page> : null}>
                    <Workspace active={terminal} />
                </Suspense>
            )}
        </Shell>
    );
}

function screenFor(screen: string | undefined, id: string | undefined, detail: string | undefined, query: URLSearchParams): ReactNode {
    switch (screen) {
        case undefined:
        case "sign-in":
        case "welcome": return null;
        case "hosts":
            if (id === "add") return <Page><AddHost /></Page>;
            if (id && detail === "key") return <Page><ChangedKey id={id} /></Page>;
            if (id) return <Page key={id}><HostPage id={id} /></Page>;
            return <Page><Hosts /></Page>;
        case "sessions": return <Page><Sessions /></Page>;
        case "recordings":
            return id ? <Page wide key={id}><Player id={id} startAt={Number(query.get("t")) || 0} /></Page> : <Page><Recordings /></Page>;
        case "audit": return <Page><Audit /></Page>;
        case "people": return <Page><People /></Page>;
        case "settings": return <Page><Settings /></Page>;
        case "more": return <Page><More /></Page>;
        default:
            return (
                <Page>
                    <Empty icon="search" title="There is nothing at this address" action={<Button onClick={() => replace("/hosts")}>To the hosts</Button>} />
                </Page>
            );
    }
}

function Page({ children, wide }: { children: ReactNode; wide?: boolean }) {
    return <main className={`page ${wide ? "wide" : ""}`} id="content" tabIndex={-1}>{children}</main>;
}
