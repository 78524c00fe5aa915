import { useEffect, useMemo, useState } from "react";
import { api, type ApiError, asApiError } from "../api/client";
import type { SeatMode, SeatView, User } from "../api/types";
import { go } from "../app/router";
import { load } from "../app/session";
import { toast, useMay, useStore } from "../app/store";
import { useChat } from "../sharing/chat";
import { ClipboardSection } from "../sharing/ClipboardSection";
import { HandoffSection } from "../sharing/HandoffSection";
import { LinkSection } from "../sharing/LinkSection";
import { InvitedTeams, TeamCandidates } from "../sharing/TeamInvite";
import { WatchSection } from "../sharing/WatchSection";
import { Avatar, Problem } from "../ui/display";
import { Button, Choice, CopyButton } from "../ui/controls";
import { Icon } from "../ui/Icon";
import { inert } from "../ui/text";
import type { TerminalChannel } from "./channel";
import type { PanelProps } from "./panels";

const modes = [
    { value: "view" as const, label: "View" },
    { value: "control" as const, label: "Control" },
    { value: "moderate" as const, label: "Moderate" },
];
const modeWords: Record<SeatMode, string> = { view: "View", control: "Control", moderate: "Moderator" };

interface Person {
    userId: string;
    name: string;
    mode: SeatMode;
    seats: SeatView["seats"];
}

export type Attempt = (act: () => Promise<unknown>, done?: string) => Promise<void>;

/** The panel "People": who is here, what each may do, whom to invite, and to whom to give it. */
export function PeopleDrawer({ channel, seat, state }: PanelProps) {
    const me = useStore((s) => s.me?.user.id);
    const isOwner = seat.owner.id === me;
    const mayEndAny = useMay("session.end");
    const mayShare = useMay("session.share") && (isOwner || mayEndAny) && !state.ending;
    const isGuest = me?.startsWith("guest:") ?? true;
    const [error, setError] = useState<ApiError | null>(null);
    const people = useMemo(() => gather(seat), [seat]);
    const { typing } = useChat(seat.id);
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
                        isTyping={person.seats.some((one) => typing.includes(one.seatId))}
                        mayShare={mayShare}
                        channel={channel}
                        attempt={attempt}
                    />
                ))}
            </ul>
            <InvitedTeams seat={seat} mayShare={mayShare} attempt={attempt} />
            {mayShare && <Invite seat={seat} people={people} attempt={attempt} />}
            {!state.ending && !isGuest && <WatchSection seat={seat} attempt={attempt} />}
            {mayShare && <LinkSection seat={seat} />}
            {!state.ending && !isGuest && <ClipboardSection seat={seat} />}
            {mayShare && <HandoffSection seat={seat} />}
            {!isGuest && (
                <section className="drawer-section">
                    <h3>Link to this session</h3>
                    <p className="muted">It works for the people above, once they are signed in.</p>
                    <CopyButton
                        text={`${window.location.origin}/#/s/${seat.id}`}
                        label="Copy the link"
                        testid="copy-session-link"
                    />
                </section>
            )}
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

/** Who looks on now, who is here with something else before their eyes, and who is away. */
function presence(seats: SeatView["seats"]): string {
    const here = seats.filter((one) => one.connected);
    if (here.length === 0) return "not here";
    const devices = [...new Set(here.map((one) => one.device).filter(Boolean))].map((one) => inert(one, 20)).join(", ");
    if (!here.some((one) => one.looking)) return `looks at something else${devices ? ` · ${devices}` : ""}`;
    return devices || "here";
}

function PersonRow({ person, seat, isMe, isTyping, mayShare, channel, attempt }: {
    person: Person;
    seat: SeatView;
    isMe: boolean;
    isTyping: boolean;
    mayShare: boolean;
    channel: TerminalChannel;
    attempt: Attempt;
}) {
    const holds = seat.keyboard.holder?.userId === person.userId;
    const isOwner = seat.owner.id === person.userId;
    const isGuest = person.userId.startsWith("guest:");
    const receiver = person.seats.find((one) =>
        one.connected && one.mode === "control" && one.seatId !== seat.you.seatId
    );
    const facts = [
        holds ? "" : null,
        isOwner ? "owner" : null,
        isTyping ? "typing…" : null,
        presence(person.seats),
    ].filter((word) => word !== null).join(" · ");
    return (
        <li
            className="person"
            data-testid="person"
            data-user={person.name}
            data-looking={person.seats.some((one) => one.looking)}
        >
            <Avatar id={person.userId} name={person.name} size={36} keyboard={holds} />
            <div className="person-words">
                <strong>{inert(person.name, 60)}{isMe && <span className="muted">{" (you)"}</span>}</strong>
                <span className="muted">
                    {holds && (
                        <span className="person-keyboard">
                            <Icon name="keyboard" size={14} /> has the keyboard
                        </span>
                    )}
                    {facts}
                </span>
            </div>
            <div className="person-actions">
                {mayShare && !isOwner && !isMe && !isGuest
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
                    : <span className="mode-word">{isGuest ? "Guest" : modeWords[person.mode]}</span>}
                {seat.you.holder && receiver && (
                    <Button
                        small
                        icon="give"
                        data-testid="give-keyboard"
                        onClick={() => channel.giveKeyboard(receiver.seatId)}
                    >
                        {isMe ? "To my other device" : "Give keyboard"}
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
    const done = { view: "watch", control: "type", moderate: "watch as a moderator" }[mode];
    const invite = (user: User) =>
        attempt(() => api.invite(seat.id, user.id, mode), `${inert(user.name, 40)} may ${done} now`);
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
                placeholder="Name of a person or a team"
                aria-label="Find a person or a team"
                value={query}
                data-testid="invite-search"
                onChange={(event) => setQuery(event.target.value)}
            />
            {users.error && !users.data && <Problem compact error={users.error} retry={() => void load("users")} />}
            <ul className="people-list">
                <TeamCandidates seat={seat} words={words} mode={mode} attempt={attempt} />
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
