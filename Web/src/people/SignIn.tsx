import { type FormEvent, useEffect, useState } from "react";
import { api, type ApiError, asApiError } from "../api/client";
import { signedIn } from "../app/session";
import { useStore } from "../app/store";
import { Button, Field, PasswordField } from "../ui/controls";
import { Problem, useNow } from "../ui/display";
import { span } from "../ui/text";
import { Entrance } from "./Entrance";
import { SecondFactorField } from "./SecondFactorField";

export function SignIn() {
    const because = useStore((s) => s.signedOutBecause);
    const setupRequired = useStore((s) => s.server?.setupRequired ?? false);
    const [username, setUsername] = useState("");
    const [password, setPassword] = useState("");
    /** The password is right, and a code is asked for beside it. */
    const [needsCode, setNeedsCode] = useState(false);
    const [code, setCode] = useState("");
    const [isBusy, setBusy] = useState(false);
    const [error, setError] = useState<ApiError | null>(null);
    const [until, setUntil] = useState(0);
    const now = useNow(250);
    const wait = Math.max(0, Math.ceil((until - now) / 1000));
    useEffect(() => {
        if (until > 0 && wait === 0) {
            setUntil(0);
            setError(null);
        }
    }, [until, wait]);

    const submit = async (event: FormEvent) => {
        event.preventDefault();
        setBusy(true);
        setError(null);
        try {
            await api.signIn(username.trim(), password, needsCode ? code : undefined);
            await signedIn();
        } catch (problem) {
            const failure = asApiError(problem);
            setCode("");
            if (failure.code === "second_factor_required") setNeedsCode(true);
            else setError(failure);
            if (failure.code === "wrong_credentials") {
                setPassword("");
                setNeedsCode(false);
            }
            if (failure.status === 429) setUntil(Date.now() + (failure.retryAfter ?? 30) * 1000);
        }
        setBusy(false);
    };

    if (setupRequired) {
        return (
            <Entrance title="Almost there" lead="This copilot has no administrator yet.">
                <p>
                    Open the sign-in link that <code>copilot serve</code>{" "}
                    printed where it was started. It works once, for 15 minutes; a restart prints a new one.
                </p>
            </Entrance>
        );
    }
    return (
        <Entrance title="Sign in" lead={because ?? "To your hosts and sessions."}>
            <form onSubmit={submit} data-testid="sign-in-form">
                <Field
                    label="User name"
                    name="username"
                    autoComplete="username"
                    autoCapitalize="off"
                    autoCorrect="off"
                    spellCheck={false}
                    required
                    autoFocus
                    value={username}
                    onChange={(event) => setUsername(event.target.value)}
                    data-testid="sign-in-username"
                />
                <PasswordField
                    label="Password"
                    name="password"
                    autoComplete="current-password"
                    required
                    value={password}
                    onChange={(event) => setPassword(event.target.value)}
                    data-testid="sign-in-password"
                />
                {needsCode && <SecondFactorField value={code} change={setCode} />}
                {error && <Problem compact error={error} testid="sign-in-error" />}
                <Button
                    tone="primary"
                    type="submit"
                    busy={isBusy}
                    disabled={wait > 0 || !username || !password || (needsCode && !code)}
                    data-testid="sign-in-submit"
                >
                    {wait > 0 ? `Wait ${span(wait)}` : "Sign in"}
                </Button>
            </form>
        </Entrance>
    );
}
