import type { ReactNode } from "react";
import { useEffect } from "react";
import { closeTerminal } from "../app/session";
import { go } from "../app/router";
import { Button } from "../ui/controls";
import { useNow } from "../ui/display";
import { bytes, inert, span } from "../ui/text";
import { RequestBanner } from "../sharing/RequestBanner";
import { WatchBanner } from "../sharing/WatchBanner";
import { Banner } from "./Banner";
import type { ChannelState, Notice, TerminalChannel } from "./channel";
import { endingSentence } from "./endings";
import { useLink } from "./hooks";
import { controlHint, mayTake } from "./notices";
import { link } from "./socket";

const NOTICE_FOR = 8_000;

/** Everything that the person must know about this terminal right now, most pressing first. */
export function Banners(
    { channel, state, openPeople }: { channel: TerminalChannel; state: ChannelState; openPeople: () => void },
) {
    return (
        <div className="banners" role="status" aria-live="polite">
            <LinkBanner state={state} />
            {state.failure && <FailureBanner channel={channel} failure={state.failure} />}
            {state.ending && <EndingBanner channel={channel} state={state} />}
            {state.seat?.state === "paused" && !state.ending && (
                <Banner
                    tone="warning"
                    icon="pause"
                    testid="banner-paused"
                    title="Paused: the recording can't be written."
                >
                    {pauseReason(state.notice)} Nothing is lost. What you type now is not sent.
                </Banner>
            )}
            {state.held && state.isAttached && <HeldBanner channel={channel} held={state.held} />}
            {state.queued > 0 && (
                <Banner
                    tone="info"
                    icon="paste"
                    testid="banner-pasting"
                    title={`Pasting: ${bytes(state.pasteTotal - state.queued)} of ${bytes(state.pasteTotal)}`}
                    actions={<Button small onClick={() => channel.cancelPaste()}>Stop</Button>}
                >
                    <progress max={state.pasteTotal} value={state.pasteTotal - state.queued} />
                </Banner>
            )}
            {state.skippedBytes > 0 && (
                <Passing key={state.skippedAt} done={channel.clearSkip}>
                    <Banner
                        tone="info"
                        icon="forward"
                        testid="banner-skipped"
                        title={`Skipped ${bytes(state.skippedBytes)} of output`}
                    >
                        It came faster than this link carries; the recording has all of it.
                    </Banner>
                </Passing>
            )}
            {state.seat && !state.ending && <WatchBanner seat={state.seat} openPeople={openPeople} />}
            {state.request && !state.ending && (
                <RequestBanner channel={channel} request={state.request} openPeople={openPeople} />
            )}
            {state.notice && !silentNotices.has(state.notice.code) && (
                <Passing key={state.notice.at} done={channel.clearNotice}>
                    <NoticeBanner channel={channel} state={state} notice={state.notice} />
                </Passing>
            )}
            {state.refusal && !state.ending && (
                <RefusalBanner
                    channel={channel}
                    state={state}
                    refusal={state.refusal}
                />
            )}
        </div>
    );
}

function NoticeBanner({ channel, state, notice }: { channel: TerminalChannel; state: ChannelState; notice: Notice }) {
    const gotControl = notice.code === "mode_changed" && state.seat?.you.mode === "control";
    return (
        <Banner
            tone="info"
            icon="info"
            testid="banner-notice"
            title={inert(notice.sentence, 300)}
            actions={gotControl && mayTake(state.seat) && (
                <Button small icon="hand" onClick={channel.takeKeyboard}>Take it</Button>
            )}
        >
            {inert(gotControl && state.seat ? controlHint(state.seat) : notice.hint, 300)}
        </Banner>
    );
}

/** Shown in another way than a passing line. */
const silentNotices = new Set(["recording_stalled"]);

function pauseReason(notice: Notice | null): string {
    return notice?.code === "recording_stalled"
        ? inert(`${notice.sentence} ${notice.hint}`.trim(), 400)
        : "It goes on when there is room again.";
}

function LinkBanner({ state }: { state: ChannelState }) {
    const { phase, lastHeard, nextAttempt, refusal } = useLink();
    const now = useNow(500);
    if (state.ending || (phase !== "lost" && phase !== "refused")) return null;
    const wait = nextAttempt ? Math.max(0, Math.ceil((nextAttempt - now) / 1000)) : 0;
    return (
        <Banner
            tone="warning"
            icon="offline"
            testid="banner-offline"
            title={lastHeard > 0 ? `No link for ${span((now - lastHeard) / 1000)}` : "No link to the copilot"}
            actions={<Button small icon="refresh" onClick={() => link.reconnectNow()}>Try now</Button>}
        >
            {refusal ?? "The session goes on without you, and this screen is as old as that."}{" "}
            {wait > 0 ? `Next attempt in ${wait} s.` : "Trying…"}
            {state.offlineTyped > 0 &&
                ` ${state.offlineTyped} ${state.offlineTyped === 1 ? "key waits" : "keys wait"} to be sent.`}
        </Banner>
    );
}

function FailureBanner(
    { channel, failure }: { channel: TerminalChannel; failure: { error: string; code: string; hint: string } },
) {
    return (
        <Banner
            tone="bad"
            icon="alert"
            testid="banner-failure"
            title={inert(failure.error, 300)}
            actions={<Button small onClick={() => closeTerminal(channel.sessionId)}>Close</Button>}
        >
            {inert(failure.hint, 300)}
        </Banner>
    );
}

function EndingBanner({ channel, state }: { channel: TerminalChannel; state: ChannelState }) {
    const seat = state.seat;
    return (
        <Banner
            tone={state.ending?.reason === "host_lost" || state.ending?.reason === "failed" ? "bad" : "info"}
            icon="stop"
            testid="banner-ended"
            title={endingSentence(state.ending)}
            actions={
                <>
                    {seat?.recordingId && (
                        <Button
                            small
                            tone="primary"
                            icon="recording"
                            data-testid="open-recording"
                            onClick={() => go(`/recordings/${seat.recordingId}`)}
                        >
                            Open recording
                        </Button>
                    )}
                    <Button small onClick={() => closeTerminal(channel.sessionId)} data-testid="close-terminal">
                        Close
                    </Button>
                </>
            }
        >
            {seat?.startedAt && seat.endedAt &&
                `It lasted ${span((new Date(seat.endedAt).getTime() - new Date(seat.startedAt).getTime()) / 1000)}.`}
        </Banner>
    );
}

function HeldBanner({ channel, held }: { channel: TerminalChannel; held: Uint8Array }) {
    const text = inert(new TextDecoder().decode(held).replace(/\r/g, "⏎"), 60);
    return (
        <Banner
            tone="warning"
            icon="keyboard"
            testid="banner-held"
            title="Typed while there was no link, and not sent"
            actions={
                <>
                    <Button small tone="primary" data-testid="held-send" onClick={() => channel.sendHeld()}>
                        Send
                    </Button>
                    <Button
                        small
                        data-testid="held-discard"
                        onClick={() => channel.discardHeld()}
                    >
                        Discard
                    </Button>
                </>
            }
        >
            <code className="held-text">{text}</code>
        </Banner>
    );
}

function RefusalBanner(
    { channel, state, refusal }: { channel: TerminalChannel; state: ChannelState; refusal: Notice },
) {
    const holder = state.seat?.keyboard.holder;
    const mode = state.seat?.you.mode;
    return (
        <Passing key={refusal.at} done={channel.clearRefusal}>
            <Banner
                tone="info"
                icon="keyboard"
                testid="banner-refused"
                title={inert(refusal.sentence, 200)}
                actions={refusal.code === "not_keyboard_holder" || refusal.code === "view_only"
                    ? (
                        <>
                            {mode === "control" && (
                                <Button
                                    small
                                    icon="hand"
                                    onClick={() => {
                                        channel.takeKeyboard();
                                        channel.clearRefusal();
                                    }}
                                >
                                    Take it
                                </Button>
                            )}
                            {holder && (
                                <Button
                                    small
                                    onClick={() => {
                                        channel.requestKeyboard();
                                        channel.clearRefusal();
                                    }}
                                >
                                    Ask for it
                                </Button>
                            )}
                        </>
                    )
                    : null}
            >
                {inert(refusal.hint, 200)}
            </Banner>
        </Passing>
    );
}

function Passing({ children, done }: { children: ReactNode; done: () => void }) {
    useEffect(() => {
        const timer = setTimeout(done, NOTICE_FOR);
        return () => clearTimeout(timer);
    }, [done]);
    return <>{children}</>;
}
