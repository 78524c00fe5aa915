import { type FormEvent, useEffect, useState } from "react";
import { api, type ApiError, asApiError } from "../api/client";
import type { SecondFactor as State, SecondFactorOffer } from "../api/types";
import { toast } from "../app/store";
import { SecondFactorField } from "../people/SecondFactorField";
import { Button, CopyButton, PasswordField } from "../ui/controls";
import { Problem } from "../ui/display";
import { fullTime } from "../ui/text";
import { qrPath } from "./qrPath";

type Step =
    | { name: "closed" }
    | { name: "password" }
    | { name: "app"; offer: SecondFactorOffer }
    | { name: "codes"; codes: string[] }
    | { name: "renew" }
    | { name: "remove" };

/** The code of an authenticator app that is asked for beside the password. */
export function SecondFactor({ username }: { username: string }) {
    const [state, setState] = useState<State | null>(null);
    const [error, setError] = useState<ApiError | null>(null);
    const [step, setStep] = useState<Step>({ name: "closed" });
    const fetch = () => {
        setError(null);
        api.secondFactor().then(setState, (problem) => setError(asApiError(problem)));
    };
    useEffect(fetch, []);
    const close = () => {
        setStep({ name: "closed" });
        fetch();
    };
    if (error) return <Problem compact error={error} retry={fetch} />;
    if (!state) return null;
    if (step.name === "closed") return <Summary state={state} go={setStep} />;
    return (
        <div className="stack setting-form" data-testid="second-factor">
            <h3 className="setting-title">Second factor</h3>
            {step.name === "password" && (
                <Proof
                    username={username}
                    lead="Your password first: somebody may have borrowed this browser."
                    submit="Go on"
                    cancel={close}
                    done={async (password) => setStep({ name: "app", offer: await api.offerSecondFactor(password) })}
                />
            )}
            {step.name === "app" && (
                <App
                    offer={step.offer}
                    cancel={close}
                    done={async (code) => {
                        const { recoveryCodes } = await api.confirmSecondFactor(code);
                        setStep({ name: "codes", codes: recoveryCodes });
                    }}
                />
            )}
            {step.name === "codes" && <Codes codes={step.codes} done={close} />}
            {step.name === "renew" && (
                <Proof
                    username={username}
                    withCode
                    lead="The old recovery codes are good for nothing then."
                    submit="Make new codes"
                    cancel={close}
                    done={async (password, code) => {
                        const { recoveryCodes } = await api.renewRecoveryCodes(password, code);
                        setStep({ name: "codes", codes: recoveryCodes });
                    }}
                />
            )}
            {step.name === "remove" && (
                <Proof
                    username={username}
                    withCode
                    lead="Your password alone lets you in then, and whoever else knows it."
                    submit="Turn it off"
                    cancel={close}
                    done={async (password, code) => {
                        await api.removeSecondFactor(password, code);
                        toast("No code is asked for any more", { tone: "good" });
                        close();
                    }}
                />
            )}
        </div>
    );
}

function Summary({ state, go }: { state: State; go: (step: Step) => void }) {
    const left = state.recoveryCodesLeft;
    return (
        <div className="setting" data-testid="second-factor" data-on={state.since !== null}>
            <div>
                <strong>Second factor</strong>
                <p className="muted">
                    {state.since
                        ? `On since ${fullTime(state.since)}. ${left} recovery ${left === 1 ? "code" : "codes"} left.`
                        : "A code of your phone's authenticator app beside the password, here and on the SSH port."}
                </p>
            </div>
            <div className="setting-control">
                {state.since
                    ? (
                        <div className="form-actions">
                            <Button onClick={() => go({ name: "renew" })} data-testid="second-factor-renew">
                                New recovery codes
                            </Button>
                            <Button
                                tone="caution"
                                onClick={() => go({ name: "remove" })}
                                data-testid="second-factor-remove"
                            >
                                Turn off
                            </Button>
                        </div>
                    )
                    : (
                        <Button icon="lock" onClick={() => go({ name: "password" })} data-testid="second-factor-open">
                            Set up
                        </Button>
                    )}
            </div>
        </div>
    );
}

/** A form that says what was wrong with what was typed, at the field where it was typed. */
function useSubmission(done: () => Promise<void>) {
    const [isBusy, setBusy] = useState(false);
    const [error, setError] = useState<ApiError | null>(null);
    const submit = async (event: FormEvent) => {
        event.preventDefault();
        setBusy(true);
        setError(null);
        try {
            await done();
        } catch (problem) {
            setError(asApiError(problem));
        }
        setBusy(false);
    };
    return { isBusy, error, submit };
}

function CodeField({ value, change, error }: { value: string; change: (text: string) => void; error: ApiError | null }) {
    return (
        <SecondFactorField
            value={value}
            change={change}
            error={error?.code === "wrong_code" ? `${error.message} ${error.hint}` : null}
            autoFocus={false}
            testId="second-factor-code"
        />
    );
}

function Buttons({ isBusy, submit, cancel }: { isBusy: boolean; submit: string; cancel: () => void }) {
    return (
        <div className="form-actions">
            <Button onClick={cancel}>Cancel</Button>
            <Button tone="primary" type="submit" busy={isBusy} data-testid="second-factor-submit">{submit}</Button>
        </div>
    );
}

function Rest({ error }: { error: ApiError | null }) {
    if (!error || error.code === "wrong_credentials" || error.code === "wrong_code") return null;
    return <Problem compact error={error} testid="second-factor-error" />;
}

function Proof({ username, lead, submit, withCode, cancel, done }: {
    username: string;
    lead: string;
    submit: string;
    withCode?: boolean;
    cancel: () => void;
    done: (password: string, code: string) => Promise<void>;
}) {
    const [password, setPassword] = useState("");
    const [code, setCode] = useState("");
    const form = useSubmission(() => done(password, code));
    return (
        <form className="stack" onSubmit={form.submit}>
            <p>{lead}</p>
            <input type="text" name="username" autoComplete="username" value={username} readOnly hidden />
            <PasswordField
                label="Password"
                autoComplete="current-password"
                required
                autoFocus
                value={password}
                onChange={(event) => setPassword(event.target.value)}
                error={form.error?.code === "wrong_credentials" ? "This is not your password." : null}
                data-testid="second-factor-password"
            />
            {withCode && <CodeField value={code} change={setCode} error={form.error} />}
            <Rest error={form.error} />
            <Buttons isBusy={form.isBusy} submit={submit} cancel={cancel} />
        </form>
    );
}

function App({ offer, cancel, done }: {
    offer: SecondFactorOffer;
    cancel: () => void;
    done: (code: string) => Promise<void>;
}) {
    const [code, setCode] = useState("");
    const form = useSubmission(() => done(code));
    const size = offer.picture.length + 8;
    return (
        <form className="stack" onSubmit={form.submit}>
            <p>Scan this with an authenticator app, or type the secret there. Then type the code that it shows.</p>
            <svg
                className="qr-code"
                viewBox={`-4 -4 ${size} ${size}`}
                role="img"
                aria-label="The secret for an authenticator app as a QR code"
                shapeRendering="crispEdges"
                data-testid="second-factor-picture"
            >
                <rect x="-4" y="-4" width={size} height={size} fill="#fff" />
                <path d={qrPath(offer.picture)} fill="#000" />
            </svg>
            <div className="secret-line">
                <code data-testid="second-factor-secret">{offer.secret.replace(/(.{4})(?=.)/g, "$1 ")}</code>
                <CopyButton text={offer.secret} />
                <a className="button" href={offer.address} rel="noopener">Open the app</a>
            </div>
            <CodeField value={code} change={setCode} error={form.error} />
            <Rest error={form.error} />
            <Buttons isBusy={form.isBusy} submit="Turn it on" cancel={cancel} />
        </form>
    );
}

function Codes({ codes, done }: { codes: string[]; done: () => void }) {
    return (
        <div className="stack">
            <p>
                <strong>Keep these where your phone is not.</strong>{" "}
                Each lets you in once in place of a code. They are shown only now.
            </p>
            <ul className="recovery-codes" data-testid="recovery-codes">
                {codes.map((code) => <li key={code}>{code}</li>)}
            </ul>
            <div className="form-actions">
                <CopyButton text={codes.join("\n")} label="Copy all" />
                <Button tone="primary" onClick={done} data-testid="recovery-codes-done">I have them</Button>
            </div>
        </div>
    );
}
