import { type FormEvent, lazy, type ReactNode, Suspense, useEffect, useState } from "react";
import { api, type ApiError, asApiError } from "../api/client";
import type { ServerSettings } from "../api/types";
import { choosePageOffline } from "../app/offline";
import { signOut } from "../app/session";
import { changeSettings, toast, useMay, useStore } from "../app/store";
import { terminalThemes } from "../terminal/themeNames";
import { passwordProblem } from "../people/password";
import { Button, Choice, Dialog, PasswordField, Switch } from "../ui/controls";
import { PageHead, Problem, Skeleton } from "../ui/display";
import { fullTime, inert } from "../ui/text";
import { MOST_MINUTES, minutesProblem } from "./minutes";

const SecondFactor = lazy(async () => ({ default: (await import("./SecondFactor")).SecondFactor }));
const Retention = lazy(async () => ({ default: (await import("./Retention")).Retention }));

export function Settings() {
    const maySet = useMay("settings.edit");
    return (
        <div className="narrow settings">
            <PageHead title="Settings" />
            <Appearance />
            <Account />
            {maySet && <ServerPanel />}
            {maySet && (
                <Suspense fallback={<Skeleton rows={2} />}>
                    <Retention />
                </Suspense>
            )}
            <About />
        </div>
    );
}

function Row({ label, note, children }: { label: string; note?: string; children: ReactNode }) {
    return (
        <div className="setting">
            <div>
                <strong>{label}</strong>
                {note && <p className="muted">{note}</p>}
            </div>
            <div className="setting-control">{children}</div>
        </div>
    );
}

function Appearance() {
    const settings = useStore((s) => s.settings);
    const touch = matchMedia("(pointer: coarse)").matches;
    const size = touch ? settings.touchFontSize : settings.fontSize;
    const setSize = (value: number) => changeSettings(touch ? { touchFontSize: value } : { fontSize: value });
    return (
        <section className="panel" aria-label="Appearance">
            <h2>On this device</h2>
            <Row label="Theme">
                <Choice
                    label="Theme"
                    value={settings.theme}
                    onChange={(theme) => changeSettings({ theme })}
                    testid="settings-theme"
                    options={[
                        { value: "system", label: "System", icon: "monitor" },
                        { value: "light", label: "Light", icon: "sun" },
                        { value: "dark", label: "Dark", icon: "moon" },
                    ]}
                />
            </Row>
            <Row label="Terminal colours">
                <select
                    value={settings.terminalTheme}
                    aria-label="Terminal colours"
                    data-testid="settings-terminal-theme"
                    onChange={(event) =>
                        changeSettings({ terminalTheme: event.target.value as typeof settings.terminalTheme })}
                >
                    {terminalThemes.map(({ value, label }) => <option key={value} value={value}>{label}</option>)}
                </select>
            </Row>
            <Row label="Terminal letters" note={`${size} px${touch ? "; pinch does it too" : ""}`}>
                <input
                    type="range"
                    min={8}
                    max={28}
                    value={size}
                    aria-label="Letter size in the terminal"
                    data-testid="settings-font-size"
                    onChange={(event) => setSize(Number(event.target.value))}
                    style={{ ["--progress" as string]: `${((size - 8) / 20) * 100}%` }}
                />
            </Row>
            <Row label="Ask before pasting several lines" note="Where the program would run each line at once.">
                <Switch
                    label="Ask before pasting several lines"
                    checked={settings.confirmPaste}
                    onChange={(confirmPaste) => changeSettings({ confirmPaste })}
                    testid="settings-confirm-paste"
                />
            </Row>
            <Row label="When a program rings" note="The bell of a terminal, such as at the end of a long job.">
                <div className="setting-checks">
                    {bells.map(([name, label]) => (
                        <label className="check" key={name}>
                            <input
                                type="checkbox"
                                checked={settings[name]}
                                data-testid={`settings-${name}`}
                                onChange={(event) => void chooseBell(name, event.target.checked)}
                            />
                            {label}
                        </label>
                    ))}
                </div>
            </Row>
            <Row
                label="Show letters before a slow link brings them"
                note="Underlined until the host confirms them; never at a password prompt or in a full-screen program."
            >
                <Switch
                    label="Show letters before a slow link brings them"
                    checked={settings.predictEcho}
                    onChange={(predictEcho) => changeSettings({ predictEcho })}
                    testid="settings-predict-echo"
                />
            </Row>
            {touch && (
                <>
                    <Row label="Characters of the key bar" note="Four in view, further ones under more keys.">
                        <input
                            className="bar-keys"
                            value={settings.barKeys}
                            maxLength={20}
                            autoCapitalize="off"
                            autoCorrect="off"
                            spellCheck={false}
                            aria-label="Characters of the key bar"
                            data-testid="settings-bar-keys"
                            onChange={(event) => changeSettings({ barKeys: event.target.value.replace(/\s/g, "") })}
                        />
                    </Row>
                    <Row label="Double tap is Tab" note="On the terminal; completes a name without the key bar.">
                        <Switch
                            label="Double tap is Tab"
                            checked={settings.doubleTapTab}
                            onChange={(doubleTapTab) => changeSettings({ doubleTapTab })}
                        />
                    </Row>
                </>
            )}
            <Row label="Keep the page on this device" note="It opens without a link and shows the names of your hosts.">
                <Switch
                    label="Keep the page on this device"
                    checked={settings.keepOffline}
                    onChange={(on) => void keepOffline(on)}
                    testid="settings-keep-offline"
                />
            </Row>
            <Row label="Screen reader mode in terminals" note="Speaks new output. For terminals opened from now on.">
                <Switch
                    label="Screen reader mode"
                    checked={settings.screenReader}
                    onChange={(screenReader) => changeSettings({ screenReader })}
                />
            </Row>
        </section>
    );
}

const bells = [
    ["bellVisual", "Light up"],
    ["bellSound", "Sound"],
    ["bellNotification", "Notification while the page is hidden"],
] as const;

/** A notification needs the browser's permission, which is asked for in the tap itself. */
async function chooseBell(name: typeof bells[number][0], isOn: boolean) {
    changeSettings({ [name]: isOn });
    if (name !== "bellNotification" || !isOn) return;
    const isAllowed = "Notification" in window && (await Notification.requestPermission()) === "granted";
    if (isAllowed) return;
    changeSettings({ bellNotification: false });
    toast("This browser shows no notifications of this page", { tone: "bad", hint: "Allow them in its settings." });
}

async function keepOffline(isOn: boolean) {
    if (await choosePageOffline(isOn)) return;
    toast("This browser doesn't keep the page", {
        tone: "bad",
        hint: "It does so only for a certificate that it trusts.",
    });
}

function Account() {
    const me = useStore((s) => s.me?.user);
    const [isAsking, setAsking] = useState(false);
    if (!me) return null;
    return (
        <section className="panel" aria-label="Account">
            <h2>You</h2>
            <Row
                label={inert(me.name, 60)}
                note={`${inert(me.username, 60)} · ${inert(me.role, 30)}${
                    me.createdAt ? ` · since ${fullTime(me.createdAt)}` : ""
                }`}
            >
                <Button icon="sign-out" onClick={() => void signOut(false)} data-testid="sign-out">Sign out</Button>
            </Row>
            <PasswordForm username={me.username} />
            <Suspense fallback={<Skeleton rows={1} />}>
                <SecondFactor username={me.username} />
            </Suspense>
            <Row label="Every device" note="Ends all your sign-ins, this one too. Sessions on hosts go on.">
                <Button tone="caution" onClick={() => setAsking(true)} data-testid="sign-out-everywhere">
                    Sign out everywhere
                </Button>
            </Row>
            {isAsking && (
                <Dialog
                    title="Sign out on every device?"
                    onClose={() => setAsking(false)}
                    actions={
                        <>
                            <Button onClick={() => setAsking(false)}>Cancel</Button>
                            <Button
                                tone="danger"
                                onClick={() => void signOut(true)}
                                data-testid="sign-out-everywhere-confirm"
                            >
                                Sign out everywhere
                            </Button>
                        </>
                    }
                >
                    <p>You sign in again where you need it.</p>
                </Dialog>
            )}
        </section>
    );
}

function PasswordForm({ username }: { username: string }) {
    const [isOpen, setOpen] = useState(false);
    const [current, setCurrent] = useState("");
    const [next, setNext] = useState("");
    const [wasTried, setTried] = useState(false);
    const [isBusy, setBusy] = useState(false);
    const [error, setError] = useState<ApiError | null>(null);
    const weak = passwordProblem(next, username);
    const submit = async (event: FormEvent) => {
        event.preventDefault();
        setTried(true);
        setError(null);
        if (weak) return;
        setBusy(true);
        try {
            await api.changePassword(current, next);
            toast("Your password is changed", { tone: "good", hint: "Your other sign-ins have ended." });
            setOpen(false);
            setCurrent("");
            setNext("");
            setTried(false);
        } catch (problem) {
            setError(asApiError(problem));
        }
        setBusy(false);
    };
    if (!isOpen) {
        return (
            <Row label="Password">
                <Button icon="lock" onClick={() => setOpen(true)} data-testid="password-open">Change</Button>
            </Row>
        );
    }
    return (
        <form className="stack setting-form" onSubmit={submit} data-testid="password-form">
            <input type="text" name="username" autoComplete="username" value={username} readOnly hidden />
            <PasswordField
                label="Current password"
                autoComplete="current-password"
                required
                autoFocus
                value={current}
                onChange={(event) => setCurrent(event.target.value)}
                error={error?.code === "wrong_credentials" ? "This is not your current password." : null}
                data-testid="password-current"
            />
            <PasswordField
                label="New password"
                autoComplete="new-password"
                required
                value={next}
                onChange={(event) => setNext(event.target.value)}
                error={error?.at("new") ?? (wasTried ? weak : null)}
                hint="At least 12 characters"
                data-testid="password-new"
            />
            {error && error.code !== "wrong_credentials" && error.field !== "new" && <Problem compact error={error} />}
            <div className="form-actions">
                <Button onClick={() => setOpen(false)}>Cancel</Button>
                <Button tone="primary" type="submit" busy={isBusy} data-testid="password-submit">
                    Change the password
                </Button>
            </div>
        </form>
    );
}

function ServerPanel() {
    const [settings, setSettings] = useState<ServerSettings | null>(null);
    const [error, setError] = useState<ApiError | null>(null);
    const [isBusy, setBusy] = useState(false);
    useEffect(() => void api.settings().then(setSettings, (problem) => setError(asApiError(problem))), []);
    const save = async (change: Partial<ServerSettings>) => {
        setBusy(true);
        setError(null);
        try {
            await api.updateSettings(change);
            setSettings(await api.settings());
            toast("Saved", { tone: "good" });
        } catch (problem) {
            setError(asApiError(problem));
        }
        setBusy(false);
    };
    return (
        <section className="panel" aria-label="This copilot">
            <h2>This copilot</h2>
            {error && <Problem compact error={error} />}
            {!settings && !error && <Skeleton rows={2} />}
            {settings && (
                <>
                    <Row
                        label="A session without anybody ends after"
                        note="In minutes. Closed laptops and lost phones come back within it."
                    >
                        <MinutesForm
                            label="Minutes without anybody"
                            least={1}
                            value={settings.seatlessMinutes}
                            isBusy={isBusy}
                            save={(seatlessMinutes) => void save({ seatlessMinutes })}
                            testid="settings-seatless"
                        />
                    </Row>
                    <Row label="An idle session ends after" note="In minutes without input or output; 0 for never.">
                        <MinutesForm
                            label="Idle minutes"
                            least={0}
                            value={settings.idleMinutes}
                            isBusy={isBusy}
                            save={(idleMinutes) => void save({ idleMinutes })}
                            testid="settings-idle"
                        />
                    </Row>
                    <Row
                        label="When a recording can't be written"
                        note="The session pauses until it can: nothing happens that nobody could prove afterwards."
                    >
                        Pause
                    </Row>
                </>
            )}
        </section>
    );
}

function MinutesForm({ label, least, value, isBusy, save, testid }: {
    label: string;
    least: number;
    value: number;
    isBusy: boolean;
    save: (minutes: number) => void;
    testid: string;
}) {
    const [text, setText] = useState(String(value));
    const [error, setError] = useState<string | null>(null);
    useEffect(() => setText(String(value)), [value]);
    const note = `${testid}-note`;
    return (
        <form
            className={`number-form ${error ? "has-error" : ""}`}
            noValidate
            onSubmit={(event) => {
                event.preventDefault();
                const problem = minutesProblem(text, least);
                setError(problem);
                if (!problem) save(Number(text));
            }}
        >
            <input
                type="number"
                min={least}
                max={MOST_MINUTES}
                value={text}
                aria-label={label}
                aria-invalid={error ? true : undefined}
                aria-describedby={note}
                onChange={(event) => {
                    setText(event.target.value);
                    setError(null);
                }}
                data-testid={testid}
            />
            <Button type="submit" busy={isBusy} disabled={text === String(value)} data-testid={`${testid}-save`}>
                Save
            </Button>
            <p className="field-note" id={note} role="alert">{error}</p>
        </form>
    );
}

function About() {
    const server = useStore((s) => s.server);
    return (
        <section className="panel" aria-label="About">
            <h2>About</h2>
            <Row
                label={server ? inert(server.name, 60) : "SSH Copilot"}
                note={server ? `Version ${inert(server.version, 40)}, protocol ${server.protocol}` : undefined}
            >
                <a href="#/trust" data-testid="settings-trust">Trust it on a device</a>
                <a href="/THIRD-PARTY-NOTICES.txt" target="_blank" rel="noopener">Third-party notices</a>
            </Row>
        </section>
    );
}
