import { type KeyboardEvent, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { type ApiError, asApiError } from "../api/client";
import { go } from "../app/router";
import { load } from "../app/session";
import { useStore } from "../app/store";
import { isTouch, useLink } from "../terminal/hooks";
import type { PanelProps } from "../terminal/panels";
import { Avatar, Problem } from "../ui/display";
import { Button } from "../ui/controls";
import { Icon } from "../ui/Icon";
import { clock, inert, shortTime } from "../ui/text";
import { type ChatMessage, sharing } from "./calls";
import { roomOf, useChat } from "./chat";
import { ChatText } from "./ChatText";
import { mentionAt } from "./moments";

const LIMIT = 2000;
const TELL_WRITING_EVERY = 2_000;

/** The chat beside a terminal: kept with its recording, and read by those who sit there. */
export function ChatPanel({ sessionId, channel, seat, state }: PanelProps) {
    const { messages, isComplete, writing } = useChat(sessionId);
    const me = useStore((s) => s.me?.user);
    const room = roomOf(sessionId);
    const list = useRef<HTMLOListElement>(null);
    const isAtEnd = useRef(true);
    const elapsed = (Date.now() - new Date(seat.startedAt).getTime()) / 1000;
    useEffect(() => {
        room.show(true);
        return () => room.show(false);
    }, [room]);
    // Whoever reads older messages is not torn away from them.
    useLayoutEffect(() => {
        if (isAtEnd.current && list.current) list.current.scrollTop = list.current.scrollHeight;
    }, [messages, writing.length]);
    const show = (seconds: number) => go(`/recordings/${seat.recordingId}?t=${Math.max(0, Math.floor(seconds))}`);
    return (
        <div className="chat">
            <ol
                className="chat-list"
                ref={list}
                aria-label="Messages"
                aria-live="polite"
                tabIndex={0}
                data-testid="chat-list"
                onScroll={(event) => {
                    const { scrollHeight, scrollTop, clientHeight } = event.currentTarget;
                    isAtEnd.current = scrollHeight - scrollTop - clientHeight < 40;
                }}
            >
                {!isComplete && <li className="chat-note">Older messages are in the recording.</li>}
                {messages.length === 0 && (
                    <li className="chat-empty">
                        <Icon name="chat" size={26} />
                        <strong>Nothing was said yet</strong>
                        <span>Everybody at this session reads it, and the recording keeps it.</span>
                    </li>
                )}
                {messages.map((message, index) => (
                    <Message
                        key={message.id}
                        message={message}
                        follows={follows(messages[index - 1], message)}
                        isMine={message.author.userId === me?.id}
                        isMentioned={me !== undefined && message.mentions.includes(me.id)}
                        me={me?.username}
                        length={elapsed}
                        show={show}
                    />
                ))}
            </ol>
            <p className="chat-writing" aria-live="polite" data-testid="chat-writing">{writingWords(writing)}</p>
            {state.ending
                ? (
                    <p className="chat-note" data-testid="chat-ended">
                        The session has ended. Its recording keeps this chat.
                    </p>
                )
                : <Composer sessionId={sessionId} channel={channel} seat={seat} elapsed={elapsed} />}
        </div>
    );
}

/** Messages of one person within two minutes stand together. */
function follows(before: ChatMessage | undefined, message: ChatMessage): boolean {
    return before !== undefined && before.author.userId === message.author.userId && message.time - before.time < 120;
}

function writingWords(names: string[]): string {
    if (names.length === 0) return "";
    if (names.length > 2) return "Several people are writing…";
    return `${names.map((name) => inert(name, 30)).join(" and ")} ${names.length === 1 ? "is" : "are"} writing…`;
}

function Message({ message, follows, isMine, isMentioned, me, length, show }: {
    message: ChatMessage;
    follows: boolean;
    isMine: boolean;
    isMentioned: boolean;
    me?: string;
    length: number;
    show: (seconds: number) => void;
}) {
    return (
        <li
            className={`chat-message ${follows ? "follows" : ""} ${isMentioned ? "mentioned" : ""}`}
            data-testid="chat-message"
            data-author={message.author.name}
        >
            {!follows && (
                <header>
                    <Avatar id={message.author.userId} name={message.author.name} size={24} />
                    <strong>{isMine ? "You" : inert(message.author.name, 60)}</strong>
                    <time dateTime={message.at} className="muted">{shortTime(message.at)}</time>
                    <button
                        type="button"
                        className="moment tabular"
                        title="Show this moment in the recording"
                        aria-label={`Show ${clock(message.time)} in the recording`}
                        onClick={() => show(message.time)}
                    >
                        {clock(message.time)}
                    </button>
                </header>
            )}
            <p>
                <ChatText text={message.text} length={length} me={me} onMoment={show} />
            </p>
        </li>
    );
}

interface Candidate {
    username: string;
    name: string;
    id: string;
}

/** Whom a message can call: those who were invited, by their user names. */
function useCandidates(seat: PanelProps["seat"]): Candidate[] {
    const users = useStore((s) => s.users.data);
    const me = useStore((s) => s.me?.user);
    const isGuest = me?.id.startsWith("guest:") ?? true;
    useEffect(() => {
        if (!isGuest && !users) void load("users");
    }, [isGuest, users]);
    return useMemo(() => {
        const here = new Set([
            seat.owner.id,
            ...seat.participants.map((person) => person.userId),
            ...seat.seats.map((one) => one.userId),
        ]);
        return (users ?? []).filter((user) => here.has(user.id) && user.id !== me?.id && !user.disabled);
    }, [users, seat, me]);
}

function Composer({ sessionId, channel, seat, elapsed }: Pick<PanelProps, "sessionId" | "channel" | "seat"> & {
    elapsed: number;
}) {
    const room = roomOf(sessionId);
    const isOnline = useLink().phase === "open";
    const field = useRef<HTMLTextAreaElement>(null);
    const [text, setText] = useState(room.draft);
    const [cursor, setCursor] = useState(0);
    const [chosen, setChosen] = useState(0);
    const [isBusy, setBusy] = useState(false);
    const [error, setError] = useState<ApiError | null>(null);
    const toldAt = useRef(0);
    const candidates = useCandidates(seat);
    const mention = mentionAt(text, cursor);
    const offers = mention === null ? [] : candidates.filter((one) =>
        one.username.startsWith(mention.query) || one.name.toLowerCase().includes(mention.query)
    ).slice(0, 6);
    const change = (next: string, at: number) => {
        setText(next);
        setCursor(at);
        setChosen(0);
        room.draft = next;
        const now = Date.now();
        if (next.trim() === "" || now - toldAt.current < TELL_WRITING_EVERY) return;
        toldAt.current = now;
        channel.sendNote("typing", {});
    };
    const put = (start: number, end: number, insertion: string) => {
        const next = text.slice(0, start) + insertion + text.slice(end);
        change(next, start + insertion.length);
        requestAnimationFrame(() => {
            field.current?.focus();
            field.current?.setSelectionRange(start + insertion.length, start + insertion.length);
        });
    };
    const take = (one: Candidate) => mention && put(mention.start, cursor, `@${one.username} `);
    const send = async () => {
        if (text.trim() === "" || isBusy) return;
        setBusy(true);
        setError(null);
        try {
            room.add(await sharing.say(sessionId, text));
            change("", 0);
        } catch (problem) {
            setError(asApiError(problem));
        }
        setBusy(false);
        field.current?.focus();
    };
    const pressed = (event: KeyboardEvent) => {
        if (event.nativeEvent.isComposing) return;
        if (offers.length > 0) {
            const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
            if (step !== 0) {
                event.preventDefault();
                return setChosen((chosen + step + offers.length) % offers.length);
            }
            const one = offers[chosen];
            if (one && (event.key === "Enter" || event.key === "Tab")) {
                event.preventDefault();
                return take(one);
            }
            if (event.key === "Escape") {
                event.preventDefault();
                return setCursor(-1);
            }
        }
        // A phone's Enter makes a new line: its button sends.
        if (event.key !== "Enter" || event.shiftKey || isTouch()) return;
        event.preventDefault();
        void send();
    };
    return (
        <form
            className="chat-composer"
            onSubmit={(event) => {
                event.preventDefault();
                void send();
            }}
        >
            {error && <Problem compact error={error} testid="chat-problem" />}
            {offers.length > 0 && (
                <ul className="chat-offers" role="listbox" aria-label="People" id="chat-offers">
                    {offers.map((one, index) => (
                        <li
                            key={one.id}
                            role="option"
                            id={`chat-offer-${index}`}
                            aria-selected={index === chosen}
                            data-testid={`chat-offer-${one.username}`}
                            onPointerDown={(event) => {
                                event.preventDefault();
                                take(one);
                            }}
                        >
                            <Avatar id={one.id} name={one.name} size={24} />
                            <span>{inert(one.name, 40)}</span>
                            <span className="muted">@{inert(one.username, 32)}</span>
                        </li>
                    ))}
                </ul>
            )}
            <div className="chat-field">
                <Button
                    tone="quiet"
                    icon="clock"
                    aria-label="Put in this moment"
                    title="Put in this moment"
                    data-testid="chat-now"
                    onClick={() => put(Math.max(0, cursor), Math.max(0, cursor), `${clock(elapsed)} `)}
                />
                <textarea
                    ref={field}
                    rows={Math.min(5, text.split("\n").length)}
                    value={text}
                    maxLength={LIMIT}
                    placeholder={isOnline ? "Message" : "No link: waiting…"}
                    aria-label="Message"
                    aria-autocomplete="list"
                    aria-controls={offers.length > 0 ? "chat-offers" : undefined}
                    aria-activedescendant={offers.length > 0 ? `chat-offer-${chosen}` : undefined}
                    data-testid="chat-field"
                    data-first-focus={isTouch() ? undefined : ""}
                    onChange={(event) => change(event.target.value, event.target.selectionStart)}
                    onSelect={(event) => setCursor(event.currentTarget.selectionStart)}
                    onKeyDown={pressed}
                />
                <Button
                    tone="primary"
                    icon="send"
                    type="submit"
                    aria-label="Send"
                    busy={isBusy}
                    disabled={text.trim() === "" || !isOnline}
                    data-testid="chat-send"
                />
            </div>
            {text.length > LIMIT - 200 && <small className="muted">{LIMIT - text.length} characters left</small>}
        </form>
    );
}
