import { type FormEvent, useEffect, useState } from "react";
import { type ApiError, asApiError } from "../api/client";
import { replace } from "../app/router";
import { loadMe } from "../app/session";
import { store, useStore } from "../app/store";
import { Entrance } from "../people/Entrance";
import { Button, Field } from "../ui/controls";
import { Problem, Skeleton } from "../ui/display";
import { inert, shortTime } from "../ui/text";
import { type LinkInfo, sharing } from "./calls";
import { enter, keepPendingLink } from "./guest";

/** Where a link to a session leads: whoever has an account comes as themselves, anybody else says a name and watches. */
export function JoinPage({ token }: { token: string }) {
    const me = useStore((s) => s.me?.user);
    const [info, setInfo] = useState<LinkInfo | null>(null);
    const [name, setName] = useState("");
    const [isBusy, setBusy] = useState(false);
    const [error, setError] = useState<ApiError | null>(null);
    useEffect(() => {
        let isGone = false;
        // The secret does not stay in the address, nor in the browser's history.
        replace("/join");
        sharing.checkLink(token).then(
            (found) => !isGone && setInfo(found),
            (problem) => !isGone && setError(asApiError(problem)),
        );
        return () => void (isGone = true);
    }, [token]);
    const join = async (event?: FormEvent) => {
        event?.preventDefault();
        setBusy(true);
        setError(null);
        try {
            const arrival = await sharing.join(token, name);
            if (!arrival.guest && store.get().phase !== "signed-in") await loadMe();
            await enter(arrival);
        } catch (problem) {
            setError(asApiError(problem));
            setBusy(false);
        }
    };
    if (!info) {
        return (
            <Entrance
                title={error ? "This link does not work" : "A link to a session"}
                lead={error ? "" : "One moment…"}
            >
                {error ? <Problem error={error} testid="join-error" /> : <Skeleton rows={2} />}
            </Entrance>
        );
    }
    const lead = `${inert(info.invitedBy, 60)} invites you to the session at ${inert(info.host, 60)}.`;
    if (me) {
        return (
            <Entrance title="Join the session" lead={lead}>
                {error && <Problem compact error={error} testid="join-error" />}
                <Button tone="primary" busy={isBusy} onClick={() => void join()} data-testid="join-submit">
                    Join as {inert(me.name, 40)}
                </Button>
            </Entrance>
        );
    }
    if (info.needsSignIn) {
        return (
            <Entrance title="Sign in first" lead={`${lead} The link is for somebody with an account.`}>
                <Button
                    tone="primary"
                    data-testid="join-sign-in"
                    onClick={() => {
                        keepPendingLink(token);
                        replace("/sign-in");
                    }}
                >
                    Sign in
                </Button>
            </Entrance>
        );
    }
    return (
        <Entrance title="Watch a session" lead={lead}>
            <form onSubmit={join} data-testid="join-form">
                <Field
                    label="Your name"
                    name="name"
                    autoComplete="name"
                    required
                    maxLength={40}
                    value={name}
                    autoFocus
                    onChange={(event) => setName(event.target.value)}
                    hint="The others see who watches."
                    error={error?.at("name")}
                    data-testid="join-name"
                />
                {error && error.field !== "name" && <Problem compact error={error} testid="join-error" />}
                <Button
                    tone="primary"
                    type="submit"
                    busy={isBusy}
                    disabled={!name.trim()}
                    data-testid="join-submit"
                >
                    Watch
                </Button>
            </form>
            <p className="muted small">You see this one session and nothing else, until {shortTime(info.expiresAt)}.</p>
        </Entrance>
    );
}
