import { type FormEvent, useEffect, useState } from "react";
import { api, type ApiError, asApiError } from "../api/client";
import type { TokenInfo } from "../api/types";
import { replace } from "../app/router";
import { signedIn } from "../app/session";
import { store } from "../app/store";
import { Button, Field, PasswordField } from "../ui/controls";
import { Problem, Skeleton } from "../ui/display";
import { fullTime } from "../ui/text";
import { Entrance } from "./Entrance";
import { passwordProblem } from "./password";
import { SecondFactorField } from "./SecondFactorField";

/** The first administrator, or somebody who was invited, chooses a name and a password. */
export function Welcome({ token: given }: { token: string }) {
    // The address bar loses the secret at once; it stays in this component alone.
    const [token] = useState(given);
    const [info, setInfo] = useState<TokenInfo | null>(null);
    const [error, setError] = useState<ApiError | null>(null);
    useEffect(() => {
        window.history.replaceState(null, "", "#/welcome");
        api.checkToken(token).then(setInfo, (problem) => setError(asApiError(problem)));
    }, [token]);
    if (error) {
        return (
            <Entrance title="This link doesn't work" lead="">
                <Problem compact error={error} testid="welcome-error" />
                <Button onClick={() => replace("/sign-in")}>Sign in instead</Button>
            </Entrance>
        );
    }
    if (!info) {
        return (
            <Entrance title="Welcome" lead="Checking your link…">
                <Skeleton rows={3} />
            </Entrance>
        );
    }
    return <WelcomeForm token={token} info={info} />;
}

function WelcomeForm({ token, info }: { token: string; info: TokenInfo }) {
    const [username, setUsername] = useState(info.username ?? "");
    const [name, setName] = useState(info.name ?? "");
    const [password, setPassword] = useState("");
    const [needsCode, setNeedsCode] = useState(false);
    const [code, setCode] = useState("");
    const [wasTried, setTried] = useState(false);
    const [isBusy, setBusy] = useState(false);
    const [error, setError] = useState<ApiError | null>(null);
    const weak = passwordProblem(password, username);
    const isFirst = info.kind === "first-admin";
    const submit = async (event: FormEvent) => {
        event.preventDefault();
        setTried(true);
        setError(null);
        if (weak) return;
        setBusy(true);
        try {
            await api.redeem({
                token,
                username: username.trim(),
                name: name.trim() || username.trim(),
                password,
                code: needsCode ? code : undefined,
            });
            store.set((s) => ({ server: s.server && { ...s.server, setupRequired: false } }));
            await signedIn();
            replace("/hosts");
        } catch (problem) {
            const failure = asApiError(problem);
            setCode("");
            if (failure.code === "second_factor_required") setNeedsCode(true);
            else setError(failure);
        }
        setBusy(false);
    };
    return (
        <Entrance
            title={isFirst ? "Set up your copilot" : "Welcome"}
            lead={isFirst
                ? "You become its first administrator."
                : "You were invited. Choose a password, and you are in."}
        >
            <form onSubmit={submit} data-testid="welcome-form">
                <Field
                    label="User name"
                    name="username"
                    autoComplete="username"
                    autoCapitalize="off"
                    autoCorrect="off"
                    spellCheck={false}
                    required
                    readOnly={!isFirst && Boolean(info.username)}
                    value={username}
                    onChange={(event) => setUsername(event.target.value)}
                    error={error?.at("username")}
                    data-testid="welcome-username"
                    autoFocus={isFirst}
                />
                <Field
                    label="Your name"
                    name="name"
                    autoComplete="name"
                    required
                    value={name}
                    onChange={(event) => setName(event.target.value)}
                    hint="As your colleagues see it"
                    data-testid="welcome-name"
                />
                <PasswordField
                    label="Password"
                    name="password"
                    autoComplete="new-password"
                    required
                    value={password}
                    onChange={(event) => setPassword(event.target.value)}
                    hint="At least 12 characters: a few words do well."
                    error={error?.at("password") ?? (wasTried ? weak : null)}
                    data-testid="welcome-password"
                />
                {needsCode && <SecondFactorField value={code} change={setCode} />}
                {error && !["username", "password"].includes(error.field ?? "") && (
                    <Problem compact error={error} testid="welcome-error" />
                )}
                <Button tone="primary" type="submit" busy={isBusy} data-testid="welcome-submit">
                    {isFirst ? "Create the administrator" : "Sign in"}
                </Button>
            </form>
            <p className="muted small">This link works once, until {fullTime(info.expiresAt)}.</p>
        </Entrance>
    );
}
