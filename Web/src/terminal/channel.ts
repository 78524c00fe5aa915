import type { SeatView, SessionEnding } from "../api/types";
import type { KeyboardRequest } from "../sharing/requests";
import { encode, type ServerFrame } from "./frames";
import { Outbox } from "./outbox";
import { Acknowledgements, OutputPosition } from "./reconnect";
import { clientId, firstSequence, rememberSequence } from "./client";
import { deliverNote } from "./notes";
import { isStopped, stoppedSentence } from "./notices";
import { link, type LinkChannel } from "./socket";

/** Where output goes: the terminal on the page. `done` is called when the bytes have been drawn into the screen. */
export interface OutputSink {
    restore(columns: number, rows: number, bytes: Uint8Array, done: () => void): void;
    write(bytes: Uint8Array, done: () => void): void;
    resize(columns: number, rows: number): void;
}

export interface Notice {
    code: string;
    sentence: string;
    hint: string;
    at: number;
}

export interface ChannelState {
    seat: SeatView | null;
    isAttached: boolean;
    ending: SessionEnding | null;
    failure: { error: string; code: string; hint: string } | null;
    notice: Notice | null;
    refusal: Notice | null;
    /** Somebody asks for the keyboard, which is ours. */
    request: KeyboardRequest | null;
    skippedBytes: number;
    skippedAt: number;
    /** Typed without a link and too old to be sent without asking. */
    held: Uint8Array | null;
    /** Bytes of a large paste that are still to be sent. */
    queued: number;
    pasteTotal: number;
    offlineTyped: number;
}

const LARGE_PASTE = 48 * 1024;

/** This page's seat in one session: output in order and without doubles, input exactly once. */
export class TerminalChannel implements LinkChannel {
    /** Those of this tab. */
    static readonly open = new Set<TerminalChannel>();

    state: ChannelState = {
        seat: null,
        isAttached: false,
        ending: null,
        failure: null,
        notice: null,
        refusal: null,
        request: null,
        skippedBytes: 0,
        skippedAt: 0,
        held: null,
        queued: 0,
        pasteTotal: 0,
        offlineTyped: 0,
    };

    private id = 0;
    private readonly listeners = new Set<() => void>();
    private readonly position = new OutputPosition();
    private readonly acknowledgements = new Acknowledgements((offset) =>
        void link.send(encode.acknowledge(this.id, offset))
    );
    private readonly outbox: Outbox;
    private wished = { columns: 80, rows: 24 };
    private sentSize = "";
    private isVisible = true;
    /** Grows with each attachment, so that write callbacks of an earlier one don't acknowledge in the new one's name. */
    private attachment = 0;

    constructor(readonly sessionId: string, private readonly sink: OutputSink, private readonly device: string) {
        this.outbox = new Outbox(firstSequence(sessionId));
    }

    open(columns: number, rows: number) {
        this.wished = { columns, rows };
        TerminalChannel.open.add(this);
        this.id = link.open(this);
        if (link.state.phase === "open") this.linkOpened();
    }

    close() {
        rememberSequence(this.sessionId, this.outbox.nextSequence);
        this.acknowledgements.cancel();
        TerminalChannel.open.delete(this);
        link.send(encode.detach(this.id));
        link.close(this.id);
    }

    subscribe(listener: () => void): () => void {
        this.listeners.add(listener);
        return () => void this.listeners.delete(listener);
    }

    // The link -----------------------------------------------------------------------------------------------------

    linkOpened() {
        // Called while the link hands out the number of this channel: open() calls again when it has it.
        if (this.id === 0 || this.state.ending) return;
        this.attachment += 1;
        this.sentSize = `${this.wished.columns}x${this.wished.rows}`;
        link.send(encode.attach(this.id, {
            session: this.sessionId,
            have: this.position.received,
            ...this.wished,
            client: clientId(),
            device: this.device,
        }));
        if (!this.isVisible) link.send(encode.visible(this.id, false));
        if (document.visibilityState !== "visible") this.sendNote("attention", { looking: false });
        deliverNote("attached", null, this);
    }

    linkLost() {
        this.outbox.disconnected();
        this.acknowledgements.cancel();
        this.change({ isAttached: false });
    }

    receive(frame: ServerFrame) {
        switch (frame.type) {
            case "state":
                return this.attachedOrChanged(frame.state);
            case "snapshot":
                return this.restore(frame.offset, frame.columns, frame.rows, frame.bytes);
            case "output":
                return this.output(frame.offset, frame.bytes);
            case "resize":
                return this.sink.resize(frame.columns, frame.rows);
            case "skip":
                return this.change({ skippedBytes: Math.max(0, frame.to - frame.from), skippedAt: Date.now() });
            case "inputAccepted":
                this.outbox.accepted(frame.sequence);
                return this.flush();
            case "inputRefused":
                if (frame.code === "stale") {
                    this.outbox.hold();
                    // A ping in time says that the link is well again.
                    link.reconnectNow();
                    return this.change(this.inputState());
                }
                this.outbox.refused();
                return this.change({
                    ...this.inputState(),
                    refusal: { code: frame.code, sentence: frame.sentence, hint: "", at: Date.now() },
                });
            case "notice":
                return this.noticed(frame.code, frame.sentence, frame.hint);
            case "note":
                return deliverNote(frame.kind, frame.value, this);
            case "exit":
                this.outbox.discard();
                return this.change({ ...this.inputState(), ending: frame.ending });
            case "error":
                return this.change({ failure: frame.error, isAttached: false });
        }
    }

    private attachedOrChanged(seat: SeatView) {
        if (this.state.request && !seat.you.holder) this.state = { ...this.state, request: null };
        const isNew = !this.state.isAttached;
        if (isNew) this.outbox.connected(Date.now());
        this.change({
            seat,
            isAttached: true,
            failure: null,
            ending: seat.state === "ended"
                ? seat.ending ?? this.state.ending ?? { reason: "ended_by" }
                : this.state.ending,
        });
        if (isNew) this.flush();
        // The holder's size is the session's: whoever just became the holder says how much room there is.
        if (seat.you.holder) this.sendSize();
    }

    private restore(offset: number, columns: number, rows: number, bytes: Uint8Array) {
        this.position.received = offset;
        const attachment = this.attachment;
        this.acknowledgements.restart(offset);
        this.sink.restore(columns, rows, bytes, () => {
            if (attachment === this.attachment) this.acknowledge(offset);
        });
    }

    private output(offset: number, bytes: Uint8Array) {
        const fresh = this.position.admit(offset, bytes);
        if (fresh === "gap") return this.linkOpened();
        if (fresh.length === 0) return;
        const end = this.position.received ?? 0;
        const attachment = this.attachment;
        this.sink.write(fresh, () => {
            if (attachment === this.attachment) this.acknowledge(end);
        });
    }

    private acknowledge(offset: number) {
        this.acknowledgements.wrote(offset);
    }

    private noticed(code: string, sentence: string, hint: string) {
        this.change({ notice: { code, sentence, hint, at: Date.now() } });
        deliverNote("notice", { code, sentence }, this);
    }

    // What the person does -----------------------------------------------------------------------------------------

    /** Whether keys may be sent now: the keyboard is ours, or free for the taking. */
    get mayType(): boolean {
        const { seat, ending } = this.state;
        if (!seat || ending || seat.state === "paused" || isStopped(seat)) return false;
        return seat.you.mayType || seat.you.holder || (seat.you.mode === "control" && seat.keyboard.holder === null);
    }

    get isHolder(): boolean {
        return this.state.seat?.you.holder ?? false;
    }

    type(bytes: Uint8Array) {
        if (bytes.length === 0) return;
        if (!this.mayType) return this.change({ refusal: this.reasonForSilence() });
        if (!this.outbox.push(bytes, Date.now())) {
            return this.change({
                refusal: {
                    code: "offline",
                    sentence: "There is no link to the copilot, so this was not taken.",
                    hint: "Paste again when it is back.",
                    at: Date.now(),
                },
            });
        }
        if (bytes.length > LARGE_PASTE) this.change({ pasteTotal: this.outbox.queuedBytes });
        this.flush();
    }

    cancelPaste() {
        this.outbox.discard();
        this.change(this.inputState());
    }

    sendHeld() {
        this.outbox.release();
        this.flush();
    }

    discardHeld() {
        this.outbox.discard();
        this.change(this.inputState());
    }

    wishSize(columns: number, rows: number) {
        this.wished = { columns, rows };
        if (this.state.isAttached) this.sendSize();
    }

    show(isVisible: boolean) {
        if (isVisible === this.isVisible) return;
        this.isVisible = isVisible;
        link.send(encode.visible(this.id, isVisible));
    }

    takeKeyboard = () => void link.send(encode.take(this.id));
    requestKeyboard = () => {
        const holder = this.state.seat?.keyboard.holder;
        if (!holder || !link.send(encode.request(this.id))) return;
        this.noticed("keyboard_asked", `You asked ${holder.name} for the keyboard.`, "It is yours when they give it.");
    };
    giveKeyboard = (seatId: string) => void link.send(encode.give(this.id, seatId));
    releaseKeyboard = () => void link.send(encode.give(this.id, ""));

    /** Tells the session something beside the terminal; false when there is no link. */
    sendNote = (kind: string, value: unknown): boolean => link.send(encode.note(this.id, kind, value));

    requested = (request: KeyboardRequest) => this.change({ request });
    /** Keeps the keyboard, and says so to whoever asks. */
    declineRequest = () => {
        if (this.state.request) this.sendNote("keyboard.decline", { seatId: this.state.request.seatId });
        this.change({ request: null });
    };
    clearRequest = () => this.change({ request: null });

    clearNotice = () => this.change({ notice: null });
    clearRefusal = () => this.change({ refusal: null });
    clearSkip = () => this.change({ skippedBytes: 0 });

    private reasonForSilence(): Notice {
        const { seat, ending } = this.state;
        const holder = seat?.keyboard.holder?.name ?? null;
        const at = Date.now();
        if (ending) return { code: "ended", sentence: "The session has ended.", hint: "", at };
        if (seat?.state === "paused") {
            return {
                code: "paused",
                sentence: "The session is paused: what you type is not sent.",
                hint: "It goes on when the recording does.",
                at,
            };
        }
        if (seat && isStopped(seat)) {
            return { code: "unwatched", sentence: stoppedSentence(seat), hint: "What you type is not sent.", at };
        }
        if (seat && seat.you.mode !== "control") {
            return {
                code: "view_only",
                sentence: "You are watching: what you type is not sent.",
                hint: "Ask its owner for control.",
                at,
            };
        }
        if (holder) {
            return {
                code: "not_keyboard_holder",
                sentence: `${holder} has the keyboard.`,
                hint: "Ask for it, or take it.",
                at,
            };
        }
        return { code: "not_ready", sentence: "The terminal is not ready yet.", hint: "", at };
    }

    private sendSize() {
        const size = `${this.wished.columns}x${this.wished.rows}`;
        if (
            size === this.sentSize && this.state.seat?.columns === this.wished.columns &&
            this.state.seat?.rows === this.wished.rows
        ) return;
        this.sentSize = size;
        link.send(encode.size(this.id, this.wished.columns, this.wished.rows));
    }

    private flush() {
        if (this.state.isAttached) {
            for (const frame of this.outbox.take()) link.send(encode.input(this.id, frame.sequence, frame.bytes));
        }
        rememberSequence(this.sessionId, this.outbox.nextSequence);
        const next = this.inputState();
        const { held, queued, offlineTyped } = this.state;
        if (next.held !== held || next.queued !== queued || next.offlineTyped !== offlineTyped) this.change(next);
    }

    private inputState(): Pick<ChannelState, "held" | "queued" | "pasteTotal" | "offlineTyped"> {
        const queued = this.state.pasteTotal > 0 ? this.outbox.pendingBytes : 0;
        return {
            held: this.outbox.held,
            queued,
            pasteTotal: queued > 0 ? this.state.pasteTotal : 0,
            offlineTyped: this.state.isAttached ? 0 : this.outbox.pendingBytes,
        };
    }

    private change(change: Partial<ChannelState>) {
        this.state = { ...this.state, ...change };
        for (const listener of [...this.listeners]) listener();
    }
}
