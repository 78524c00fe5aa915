import type { ReactNode } from "react";
import { Button } from "../ui/controls";
import { Avatar, PageHead } from "../ui/display";
import { Icon, type IconName, Mark } from "../ui/Icon";
import { inert } from "../ui/text";
import { signOut } from "./session";
import { useRoute } from "./router";
import { changeSettings, useMay, useStore } from "./store";

interface Place {
    path: string;
    label: string;
    icon: IconName;
}

const main: Place[] = [
    { path: "hosts", label: "Hosts", icon: "host" },
    { path: "sessions", label: "Sessions", icon: "sessions" },
    { path: "recordings", label: "Recordings", icon: "recording" },
];
const macros: Place = { path: "macros", label: "Macros", icon: "macro" };
const audit: Place = { path: "audit", label: "Audit", icon: "audit" };
const people: Place = { path: "people", label: "People", icon: "people" };
const settings: Place = { path: "settings", label: "Settings", icon: "settings" };
const more: Place = { path: "more", label: "More", icon: "more" };

export function Shell(
    { isTerminal, wrongProtocol, children }: { isTerminal: boolean; wrongProtocol: boolean; children: ReactNode },
) {
    const isOnline = useStore((s) => s.isOnline);
    return (
        <div className="shell" data-terminal={isTerminal}>
            {!isTerminal && (
                <a
                    className="skip-link"
                    href="#content"
                    onClick={(event) => {
                        event.preventDefault();
                        document.getElementById("content")?.focus();
                    }}
                >
                    Skip to the content
                </a>
            )}
            <Rail />
            <div className="stage">
                {wrongProtocol && (
                    <p className="strip warning" role="alert">
                        This page and the server are of different versions.{" "}
                        <Button small onClick={() => window.location.reload()}>Reload</Button>
                    </p>
                )}
                {!isOnline && !isTerminal && (
                    <p className="strip" role="status">
                        <Icon name="offline" size={16} /> This device is offline. What you see may be old.
                    </p>
                )}
                {children}
            </div>
            <BottomTabs />
        </div>
    );
}

function useSection(): string {
    const [screen] = useRoute().path;
    return screen === "s" ? "sessions" : screen ?? "hosts";
}

function Rail() {
    const section = useSection();
    const mayManage = useMay("user.manage");
    const me = useStore((s) => s.me?.user);
    const server = useStore((s) => s.server);
    const theme = useStore((s) => s.settings.theme);
    const places = [...main, macros, audit, ...(mayManage ? [people] : []), settings];
    const dark = theme === "dark" || (theme === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
    return (
        <nav className="rail" aria-label="Main">
            <a className="brand" href="#/hosts" aria-label="SSH Copilot, hosts">
                <Mark />
                <span>SSH Copilot</span>
            </a>
            <ul>
                {places.map((place) => <RailLink key={place.path} place={place} isHere={section === place.path} />)}
            </ul>
            <div className="rail-foot">
                <button
                    type="button"
                    className="rail-link"
                    onClick={() => changeSettings({ theme: dark ? "light" : "dark" })}
                    aria-label={dark ? "Light theme" : "Dark theme"}
                    data-testid="theme-switch"
                >
                    <Icon name={dark ? "sun" : "moon"} />
                    <span>{dark ? "Light" : "Dark"}</span>
                </button>
                {me && (
                    <a className="rail-me" href="#/settings" aria-label="Your settings">
                        <Avatar id={me.id} name={me.name} size={30} />
                        <span>
                            <strong data-testid="me-name">{inert(me.name, 40)}</strong>
                            <small>{inert(me.role, 24)}{server ? ` · ${inert(server.name, 24)}` : ""}</small>
                        </span>
                    </a>
                )}
            </div>
        </nav>
    );
}

function RailLink({ place, isHere }: { place: Place; isHere: boolean }) {
    return (
        <li>
            <a
                className="rail-link"
                href={`#/${place.path}`}
                aria-current={isHere ? "page" : undefined}
                data-testid={`nav-${place.path}`}
                title={place.label}
            >
                <Icon name={place.icon} />
                <span>{place.label}</span>
            </a>
        </li>
    );
}

function BottomTabs() {
    const section = useSection();
    const inMore = !main.some((place) => place.path === section);
    return (
        <nav className="bottom-tabs" aria-label="Main">
            {[...main, more].map((place) => (
                <a
                    key={place.path}
                    href={`#/${place.path}`}
                    data-testid={`tab-${place.path}`}
                    aria-current={section === place.path || (place === more && inMore) ? "page" : undefined}
                >
                    <Icon name={place.icon} size={22} />
                    <span>{place.label}</span>
                </a>
            ))}
        </nav>
    );
}

/** The phone's list of everything that has no tab of its own. */
export function More() {
    const mayManage = useMay("user.manage");
    const me = useStore((s) => s.me?.user);
    return (
        <>
            <PageHead title="More" />
            {me && (
                <div className="panel person">
                    <Avatar id={me.id} name={me.name} size={40} />
                    <div className="person-words">
                        <strong>{inert(me.name, 60)}</strong>
                        <span className="muted">{inert(me.username, 60)} · {inert(me.role, 30)}</span>
                    </div>
                </div>
            )}
            <ul className="panel link-list">
                {[macros, audit, ...(mayManage ? [people] : []), settings].map((place) => (
                    <li key={place.path}>
                        <a href={`#/${place.path}`} data-testid={`more-${place.path}`}>
                            <Icon name={place.icon} size={22} />
                            {place.label}
                            <Icon name="forward" />
                        </a>
                    </li>
                ))}
                <li>
                    <button type="button" onClick={() => void signOut(false)} data-testid="more-sign-out">
                        <Icon name="sign-out" size={22} />Sign out
                    </button>
                </li>
            </ul>
        </>
    );
}
