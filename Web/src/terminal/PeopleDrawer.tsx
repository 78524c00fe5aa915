import { useEffect, useMemo, useState } from "react";
import { api, type ApiError, asApiError } from "../api/client";
import type { SeatMode, SeatView, User } from "../api/types";
import { go } from "../app/router";
import { load } from "../app/session";
import { toast, useMay, useStore } from "../app/store";
import { Avatar, Problem } from "../ui/display";
import { Button, Choice, CopyButton } from "../ui/controls";
import { Icon } from "../ui/Icon";
import { inert } from "../ui/text";
import type { TerminalChannel } from "./channel";
import type { PanelProps } from "./panels";

const modes = [{ value: "view" as const, label: "View" }, { value: "control" as const, label: "Control" }];

interface Person {
    userId: string;
    name: string;
    mode: SeatMode;
    seats: SeatView["seats"];
}

/** The panel "People": who is here, what each may do, and whom to invite. */
export function PeopleDrawer({ channel, seat }: PanelProps) {
    const me = useStore((s) => s.me?.user.id);
    const mayShare = useMay("session.share") && (seat.owner.id === me || seat.you.mode === "control");
    const [error, setError] = useState<ApiError | null>(null);
    const people = useMemo(() => gather(seat), [seat]);
    const attempt = async (act: () => Promise<unknown>, done?: string) => {
        setError(null);
        try {
            await act();
            if (done) toast(done, { tone: "good" });
        } catch (problem) {
            setError(asApiError(problem));
        }
    };
    return (
        <>
            {error && <Problem compact error={error} testid="people-problem" />}
            <ul className="people-list">
                {people.map((person) => (
                    <PersonRow
                        key={person.userId}
                        person={person}
                        seat={seat}
                        isMe={person.userId === me}
                        mayShare={mayShare}
                        channel={channel}
                        attempt={attempt}
                    />
                ))}
            </ul>
            {mayShare && <Invite seat={seat} people={people} attempt={attempt} />}
            <section className="drawer-section">
                <h3>Link to this session</h3>
                <p className="muted">It works for the people above, once they are signed in.</p>
                <CopyButton
                    text={`${window.location.origin}/#/s/${seat.id}`}
                    label="Copy the link"
                    testid="copy-session-link"
                />
            </section>
        </>
    );
}

function gather(seat: SeatView): Person[] {
    const people = new Map<string, Person>();
    for (const participant of seat.participants) people.set(participant.userId, { ...participant, seats: [] });
    for (const one of seat.seats) {
        const person = people.get(one.userId) ?? { userId: one.userId, name: one.name, mode: one.mode, seats: [] };
        people.set(one.userId, { ...person, seats: [...person.seats, one] });
    }
    return [...people.values()].sort((a, b) => Number(b.userId === seat.owner.id) - Number(a.userId === seat.owner.id));
}

type Attempt = (act: () => Promise<unknown>, done?: string) => Promise<void>;

function PersonRow({ person, seat, isMe, mayShare, channel, attempt }: {
    person: Person;
    seat: SeatView;
    isMe: boolean;
    mayShare: boolean;
    channel: TerminalChannel;
    attempt: Attempt;
}) {
    const holds = seat.keyboard.holder?.userId === person.userId;
    const here = person.seats.filter((one) => one.connected);
    const isOwner = seat.owner.id === person.userId;
    const receiver = here.find((one) => one.mode === "control" && one.seatId !== seat.you.seatId);
    const devices = [...new Set(here.map((one) => one.device).filter(Boolean))].join(", ");
    return (
        <li className="person" data-testid="person" data-user={person.name}>
            <Avatar id={person.userId} name={person.name} size={36} keyboard={holds} />
            <div className="person-words">
                <strong>{inert(person.name, 60)}{isMe && <span className="muted">{" (you)"}</span>}</strong>
                <span className="muted">
                    {holds && (
                        <span className="person-keyboard">
                            <Icon name="keyboard" size={14} /> has the keyboard
                        </span>
                    )}
                    {[
                        holds ? "" : null,
                        isOwner ? "owner" : null,
                        here.length === 0 ? "not here" : inert(devices, 40) || "here",
                    ].filter((word) => word !== null).join(" · ")}
                </span>
            </div>
            <div className="person-actions">
                {mayShare && !isOwner && !isMe
                    ? (
                        <>
                            <Choice
                                label={`What ${inert(person.name, 40)} may do`}
                                value={person.mode}
                                options={modes}
                                testid="mode"
                                onChange={(mode) => void attempt(() => api.setMode(seat.id, person.userId, mode))}
                            />
                            <Button
                                tone="quiet"
                                icon="trash"
                                aria-label={`Remove ${inert(person.name, 40)}`}
                                data-testid="remove-participant"
                                onClick={() =>
                                    void attempt(
                                        () => api.removeParticipant(seat.id, person.userId),
                                        `${inert(person.name, 40)} was removed`,
                                    )}
                            />
                        </>
                    )
                    : <span className="mode-word">{person.mode === "control" ? "Control" : "View"}</span>}
                {seat.you.holder && !isMe && receiver && (
                    <Button
                        small
                        icon="give"
                        data-testid="give-keyboard"
                        onClick={() => channel.giveKeyboard(receiver.seatId)}
                    >
                        Give keyboard
                    </Button>
                )}
            </div>
        </li>
    );
}

function Invite({ seat, people, attempt }: { seat: SeatView; people: Person[]; attempt: Attempt }) {
    const users = useStore((s) => s.users);
    const [query, setQuery] = useState("");
    const [mode, setMode] = useState<SeatMode>("view");
    useEffect(() => void load("users"), []);
    const invited = new Set(people.map((person) => person.userId));
    const words = query.trim().toLowerCase();
    const me = useStore((s) => s.me?.user.id);
    const mayManage = useMay("user.manage");
    const isAlone = (users.data ?? []).every((user) => user.disabled || user.id === me);
    const candidates = (users.data ?? []).filter((user) =>
        !user.disabled && !invited.has(user.id) && `${user.name} ${user.username}`.toLowerCase().includes(words)
    );
    const invite = (user: User) =>
        attempt(
            () => api.invite(seat.id, user.id, mode),
            `${inert(user.name, 40)} may ${mode === "view" ? "watch" : "type"} now`,
        );
    return (
        <section className="drawer-section">
            <h3>Invite</h3>
            <Choice
                label="What the invited person may do"
                value={mode}
                options={modes}
                onChange={setMode}
                testid="invite-mode"
            />
            <input
                type="search"
                className="search-input"
                placeholder="Name"
                aria-label="Find a person"
                value={query}
                data-testid="invite-search"
                onChange={(event) => setQuery(event.target.value)}
            />
            {users.error && !users.data && <Problem compact error={users.error} retry={() => void load("users")} />}
            <ul className="people-list">
                {candidates.slice(0, 30).map((user) => (
                    <li className="person" key={user.id}>
                        <Avatar id={user.id} name={user.name} size={32} />
                        <div className="person-words">
                            <strong>{inert(user.name, 60)}</strong>
                            <span className="muted">{inert(user.username, 40)} · {inert(user.role, 24)}</span>
                        </div>
                        <Button
                            small
                            icon="invite"
                            data-testid={`invite-${user.username}`}
                            onClick={() => void invite(user)}
                        >
                            Invite
                        </Button>
                    </li>
                ))}
            </ul>
            {users.data && candidates.length === 0 && (
                isAlone
                    ? (
                        <>
                            <p className="muted">
                                {mayManage ? "There is nobody else yet." : "There is nobody else yet: ask an admin."}
                            </p>
                            {mayManage && (
                                <Button small icon="people" onClick={() => go("/people")} data-testid="invite-add">
                                    Add a person
                                </Button>
                            )}
                        </>
                    )
                    : (
                        <p className="muted">
                            {words ? "Nobody of that name is left to invite." : "Everybody is here already."}
                        </p>
                    )
            )}
        </section>
    );
}
