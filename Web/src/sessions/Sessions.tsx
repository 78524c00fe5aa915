import type { Session } from "../api/types";
import { usePolling } from "../app/polling";
import { go } from "../app/router";
import { load, openTerminal } from "../app/session";
import { useStore } from "../app/store";
import { endingSentence } from "../terminal/endings";
import { isStopped } from "../terminal/notices";
import { Button } from "../ui/controls";
import { Avatar, Empty, EnvironmentLabel, Listing, PageHead, useNow } from "../ui/display";
import { Icon } from "../ui/Icon";
import { ago, fullTime, inert, shortTime, span } from "../ui/text";

export function Sessions() {
    const live = useStore((s) => s.live);
    const ended = useStore((s) => s.ended);
    usePolling(() => void load("live"), 4_000);
    usePolling(() => void load("ended"), 12_000);
    return (
        <>
            <PageHead
                title="Sessions"
                note="A session goes on when its tabs are closed: come back to it from any device."
            />
            <section className="stack" aria-label="Live sessions">
                <h2 className="section-title">Live</h2>
                <Listing
                    value={live}
                    reload={() => void load("live")}
                    empty={
                        <Empty
                            icon="sessions"
                            title="Nothing is running"
                            action={
                                <Button
                                    tone="primary"
                                    icon="terminal"
                                    onClick={() => go("/hosts")}
                                >
                                    Connect to a host
                                </Button>
                            }
                        >
                            Sessions that you start or are invited to are here.
                        </Empty>
                    }
                >
                    {(sessions) => (
                        <div className="session-list" data-testid="live-sessions">
                            {sessions.map((session) => <LiveSession key={session.id} session={session} />)}
                        </div>
                    )}
                </Listing>
            </section>
            {ended.data && ended.data.length > 0 && (
                <section className="stack" aria-label="Ended sessions">
                    <h2 className="section-title">Ended</h2>
                    <table className="table stacking" data-testid="ended-sessions">
                        <thead>
                            <tr>
                                <th>Host</th>
                                <th>Owner</th>
                                <th>When</th>
                                <th>Length</th>
                                <th>How it ended</th>
                                <th>
                                    <span className="offscreen">Recording</span>
                                </th>
                            </tr>
                        </thead>
                        <tbody>
                            {ended.data.slice(0, 100).map((session) => (
                                <EndedSession key={session.id} session={session} />
                            ))}
                        </tbody>
                    </table>
                </section>
            )}
        </>
    );
}

function LiveSession({ session }: { session: Session }) {
    const now = useNow(15_000);
    const me = useStore((s) => s.me?.user.id);
    const seats = session.seats.filter((seat) => seat.connected);
    const holder = session.keyboard.holder;
    const mine = session.owner.id === me;
    return (
        <article
            className="session"
            data-environment={session.host.environment}
            data-testid="session-card"
            data-session={session.id}
        >
            <div className="session-main">
                <h3>
                    {inert(session.host.alias, 80)} <EnvironmentLabel environment={session.host.environment} />
                </h3>
                <p className="muted">
                    {mine ? "Yours" : inert(session.owner.name, 40)} · started {ago(session.startedAt, now)}
                    {session.title && ` · ${inert(session.title, 60)}`}
                </p>
            </div>
            <div className="session-people">
                <span className="avatars">
                    {seats.slice(0, 5).map((seat) => (
                        <Avatar
                            key={seat.seatId}
                            id={seat.userId}
                            name={seat.name}
                            size={28}
                            keyboard={holder?.seatId === seat.seatId}
                        />
                    ))}
                </span>
                <span className="session-state">
                    {session.state === "paused" && (
                        <>
                            <Icon name="pause" size={14} /> Paused
                        </>
                    )}
                    {session.state === "connecting" && "Connecting"}
                    {session.state === "live" && isStopped(session) && (
                        <span className="session-waits">
                            <Icon name="eye" size={14} />{" "}
                            {session.watch.heldBy ? "Input stopped" : "Waits for a moderator"}
                        </span>
                    )}
                    {session.state === "live" && (seats.length === 0
                        ? session.expiresAt
                            ? `Nobody here, ends in ${
                                span(Math.max(0, (new Date(session.expiresAt).getTime() - now) / 1000))
                            }`
                            : "Nobody here"
                        : (
                            <>
                                <Icon name="keyboard" size={15} />{" "}
                                {holder ? (holder.userId === me ? "You" : inert(holder.name, 24)) : "Nobody"}
                            </>
                        ))}
                </span>
            </div>
            <Button tone="primary" icon="terminal" onClick={() => openTerminal(session)} data-testid="session-join">
                {mine ? "Open" : "Join"}
            </Button>
        </article>
    );
}

function EndedSession({ session }: { session: Session }) {
    const seconds = session.endedAt
        ? (new Date(session.endedAt).getTime() - new Date(session.startedAt).getTime()) / 1000
        : 0;
    return (
        <tr data-testid="ended-session">
            <td data-label="Host">
                <strong>{inert(session.host.alias, 60)}</strong>{" "}
                <EnvironmentLabel environment={session.host.environment} />
            </td>
            <td data-label="Owner">{inert(session.owner.name, 40)}</td>
            <td data-label="When" title={fullTime(session.startedAt)}>{shortTime(session.startedAt)}</td>
            <td data-label="Length" className="tabular">{span(seconds)}</td>
            <td data-label="Ended" className="muted">{endingSentence(session.ending)}</td>
            <td className="row-actions">
                {session.recordingId && (
                    <Button
                        small
                        icon="recording"
                        onClick={() => go(`/recordings/${session.recordingId}`)}
                    >
                        Recording
                    </Button>
                )}
            </td>
        </tr>
    );
}
