import { lazy, type ReactNode, Suspense, useEffect, useState } from "react";
import { Hosts } from "../hosts/Hosts";
import { SignIn } from "../people/SignIn";
import { Welcome } from "../people/Welcome";
import { Recordings } from "../recordings/Recordings";
import { Sessions } from "../sessions/Sessions";
import { Button } from "../ui/controls";
import { Empty, Skeleton, Toasts } from "../ui/display";
import { inert } from "../ui/text";
import { offerActions } from "./actions";
import { takePendingLink } from "../sharing/guest";
import { loadHandoffs } from "../sharing/handoffs";
import { Guard } from "./Guard";
import { pageActions } from "./pageActions";
import { More, Shell } from "./Shell";
import { usePolling } from "./polling";
import { replace, useRoute } from "./router";
import { useStore } from "./store";
import { Unreachable } from "./Unreachable";

// The terminal is half of the page's weight; whoever only looks at hosts does not wait for it.
const Workspace = lazy(() => import("../terminal/Workspace"));
const Palette = lazy(() => import("../palette/Palette"));
const JoinPage = lazy(() => import("../sharing/JoinPage").then((part) => ({ default: part.JoinPage })));
const GuestStage = lazy(() => import("../sharing/GuestStage").then((part) => ({ default: part.GuestStage })));
const HandoffPage = lazy(() => import("../sharing/HandoffPage").then((part) => ({ default: part.HandoffPage })));
const Player = lazy(() => import("../recordings/Player"));
const Audit = lazy(() => import("../audit/Audit").then((part) => ({ default: part.Audit })));
const AddHost = lazy(() => import("../hosts/AddHost").then((part) => ({ default: part.AddHost })));
const ChangedKey = lazy(() => import("../hosts/ChangedKey").then((part) => ({ default: part.ChangedKey })));
const Macros = lazy(() => import("../macros/Macros").then((part) => ({ default: part.Macros })));
const HostPage = lazy(() => import("../hosts/HostPage").then((part) => ({ default: part.HostPage })));
const People = lazy(() => import("../people/People").then((part) => ({ default: part.People })));
const Settings = lazy(() => import("../settings/Settings").then((part) => ({ default: part.Settings })));

const PROTOCOL = 1;

export function App() {
    const phase = useStore((s) => s.phase);
    return (
        <>
            {phase === "starting" && (
                <div className="splash" aria-busy="true">
                    <Skeleton rows={3} />
                </div>
            )}
            {phase === "unreachable" && <Unreachable />}
            {phase === "signed-out" && <SignedOut />}
            {phase === "signed-in" && <SignedIn />}
            {phase === "guest" && (
                <Suspense fallback={null}>
                    <GuestStage />
                </Suspense>
            )}
            {phase === "signed-in" && <PaletteHost />}
            <Toasts />
        </>
    );
}

/** The palette and what it leads to come when they are first asked for. */
function PaletteHost() {
    const question = useStore((s) => s.palette);
    useEffect(() => offerActions(pageActions()), []);
    if (!question) return null;
    return (
        <Suspense fallback={null}>
            <Palette question={question} key={question.kind} />
        </Suspense>
    );
}

function SignedOut() {
    const { path, query } = useRoute();
    const token = query.get("token");
    if (path[0] === "welcome" && token) return <Welcome token={token} />;
    if (path[0] === "join") return <Join token={token} />;
    return <SignIn />;
}

function SignedIn() {
    const route = useRoute();
    usePolling(() => void loadHandoffs(), 15_000);
    const hasTerminals = useStore((s) => s.openTerminals.length > 0);
    const protocol = useStore((s) => s.server?.protocol);
    const [screen, id, detail] = route.path;
    useEffect(() => {
        // Somebody signed in for the sake of a link that they had followed.
        const waiting = takePendingLink();
        if (waiting) replace(`/join?token=${encodeURIComponent(waiting)}`);
        else if (!screen || screen === "sign-in" || screen === "welcome") replace("/hosts");
    }, [screen]);
    const terminal = screen === "s" ? id ?? null : null;
    useArrival(route.path.join("/"));
    if (screen === "join") return <Join token={route.query.get("token")} />;
    return (
        <Shell isTerminal={terminal !== null} wrongProtocol={protocol !== undefined && protocol !== PROTOCOL}>
            {terminal === null && (
                <Guard key={route.path.join("/")}>
                    <Suspense
                        fallback={
                            <Page>
                                <Skeleton />
                            </Page>
                        }
                    >
                        {screenFor(screen, id, detail, route.query)}
                    </Suspense>
                </Guard>
            )}
            {(terminal !== null || hasTerminals) && (
                <Guard>
                    <Suspense
                        fallback={terminal
                            ? (
                                <Page>
                                    <Skeleton />
                                </Page>
                            )
                            : null}
                    >
                        <Workspace active={terminal} />
                    </Suspense>
                </Guard>
            )}
        </Shell>
    );
}

/** The token leaves the address at once: it is kept for as long as the page stands here. */
function Join({ token }: { token: string | null }) {
    const [kept, keep] = useState(token);
    useEffect(() => {
        if (token) keep(token);
    }, [token]);
    const used = token ?? kept;
    if (!used) return <SignIn />;
    return (
        <Suspense fallback={null}>
            <JoinPage key={used} token={used} />
        </Suspense>
    );
}

const titles: Record<string, string> = {
    hosts: "Hosts",
    sessions: "Sessions",
    recordings: "Recordings",
    macros: "Macros",
    audit: "Audit",
    people: "People",
    handoffs: "Handing over",
    settings: "Settings",
    more: "More",
};

/** A new place starts at its top, has its name in the browser's tab, and the keyboard in its content. */
function useArrival(place: string) {
    const openTerminals = useStore((s) => s.openTerminals);
    useEffect(() => {
        const [screen = "", id] = place.split("/");
        const name = screen === "s" ? openTerminals.find((tab) => tab.id === id)?.alias : titles[screen];
        document.title = name ? `${inert(name, 60)} · SSH Copilot` : "SSH Copilot";
    }, [place, openTerminals]);
    useEffect(() => {
        window.scrollTo(0, 0);
        if (document.activeElement?.closest("nav")) document.getElementById("content")?.focus({ preventScroll: true });
    }, [place]);
}

function screenFor(
    screen: string | undefined,
    id: string | undefined,
    detail: string | undefined,
    query: URLSearchParams,
): ReactNode {
    switch (screen) {
        case undefined:
        case "sign-in":
        case "welcome":
            return null;
        case "hosts":
            if (id === "add") {
                return (
                    <Page>
                        <AddHost />
                    </Page>
                );
            }
            if (id && detail === "key") {
                return (
                    <Page>
                        <ChangedKey id={id} />
                    </Page>
                );
            }
            if (id) {
                return (
                    <Page key={id}>
                        <HostPage id={id} />
                    </Page>
                );
            }
            return (
                <Page>
                    <Hosts />
                </Page>
            );
        case "sessions":
            return (
                <Page>
                    <Sessions />
                </Page>
            );
        case "recordings":
            return id
                ? (
                    <Page wide key={id}>
                        <Player id={id} startAt={Number(query.get("t")) || 0} find={query.get("q") ?? ""} />
                    </Page>
                )
                : (
                    <Page>
                        <Recordings />
                    </Page>
                );
        case "handoffs":
            return (
                <Page key={id}>
                    <HandoffPage id={id ?? ""} />
                </Page>
            );
        case "macros":
            return (
                <Page>
                    <Macros />
                </Page>
            );
        case "audit":
            return (
                <Page>
                    <Audit />
                </Page>
            );
        case "people":
            return (
                <Page>
                    <People />
                </Page>
            );
        case "settings":
            return (
                <Page>
                    <Settings />
                </Page>
            );
        case "more":
            return (
                <Page>
                    <More />
                </Page>
            );
        default:
            return (
                <Page>
                    <Empty
                        icon="search"
                        title="There is nothing at this address"
                        action={<Button onClick={() => replace("/hosts")}>To the hosts</Button>}
                    />
                </Page>
            );
    }
}

function Page({ children, wide }: { children: ReactNode; wide?: boolean }) {
    return <main className={`page ${wide ? "wide" : ""}`} id="content" tabIndex={-1}>{children}</main>;
}
