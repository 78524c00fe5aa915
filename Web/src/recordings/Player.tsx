import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { api, type ApiError, asApiError } from "../api/client";
import type { Recording, RecordingHit } from "../api/types";
import { store, toast } from "../app/store";
import { terminalFont } from "../terminal/hooks";
import { TerminalScreen } from "../terminal/screen";
import { darkTerminal, lightTerminal } from "../terminal/themes";
import { Button, copyText, Switch } from "../ui/controls";
import { EnvironmentLabel, PageHead, Problem, Skeleton } from "../ui/display";
import { clock, fullTime, inert } from "../ui/text";
import { Exports } from "./exports";
import { hitAt } from "./hits";
import { Keeping, keptWords } from "./Keeping";
import { foldMarkers } from "./markers";
import { Playback, SPEEDS } from "./playback";
import { KeysHelp, type PlayerActions, usePlayerKeys } from "./playerKeys";
import { PlayerSearch } from "./PlayerSearch";
import { SeekBar } from "./SeekBar";

/** Pixels. */
const LARGEST_LETTERS = 18;

export default function Player({ id, startAt, find }: { id: string; startAt: number; find: string }) {
    const [recording, setRecording] = useState<Recording | null>(null);
    const [error, setError] = useState<ApiError | null>(null);
    const [attempt, setAttempt] = useState(0);
    useEffect(() => {
        setError(null);
        api.recording(id).then(setRecording, (problem) => setError(asApiError(problem)));
    }, [id, attempt]);
    if (error) return <Problem error={error} retry={() => setAttempt(attempt + 1)} />;
    if (!recording) return <Skeleton rows={6} />;
    return <PlayerFor recording={recording} startAt={startAt} find={find} changed={setRecording} />;
}

interface PlayerProps {
    recording: Recording;
    startAt: number;
    find: string;
    changed: (now: Recording) => void;
}

function PlayerFor({ recording, startAt, find, changed }: PlayerProps) {
    const stage = useRef<HTMLDivElement>(null);
    const root = useRef<HTMLDivElement>(null);
    const [parts, setParts] = useState<{ screen: TerminalScreen; playback: Playback } | null>(null);
    const [failure, setFailure] = useState<ApiError | null>(null);
    const full = useFullScreen(root);
    useEffect(() => {
        let made: { screen: TerminalScreen; playback: Playback } | null = null;
        let isGone = false;
        void terminalFont().then(() => {
            if (isGone || !stage.current) return;
            try {
                made = makeParts(stage.current, recording);
            } catch (problem) {
                return setFailure(asApiError(problem));
            }
            setParts(made);
            void made.playback.seek(startAt, startAt === 0);
        });
        return () => {
            isGone = true;
            made?.playback.dispose();
            made?.screen.dispose();
        };
        // A hold or another marker changes nothing of what plays.
    }, [recording.id, startAt]);
    return (
        <div className="player" ref={root} data-testid="player" data-full={full.isFull}>
            <PageHead
                title={inert(recording.host.alias, 80)}
                note={
                    <>
                        <EnvironmentLabel environment={recording.host.environment} /> {inert(recording.owner.name, 40)}
                        {recording.participants.length > 1 &&
                            ` with ${
                                recording.participants.filter((name) => name !== recording.owner.name).map((name) =>
                                    inert(name, 30)
                                ).join(", ")
                            }`}
                        {`, ${fullTime(recording.startedAt)}`}
                        {recording.state === "truncated" && " · its end is missing"}
                        {recording.hold
                            ? <span className="tag" title={inert(recording.hold.reason, 500)}>held</span>
                            : ` · ${keptWords(recording)}`}
                    </>
                }
            >
                <Exports recording={recording} />
                <Keeping recording={recording} changed={changed} />
            </PageHead>
            {failure && <Problem error={failure} />}
            <div className="player-frame">
                <div
                    className="player-stage"
                    ref={stage}
                    data-testid="player-screen"
                    onClick={() => parts?.playback.toggle()}
                />
                {parts && (
                    <Controls
                        playback={parts.playback}
                        screen={parts.screen}
                        stage={stage}
                        full={full}
                        recording={recording}
                        find={find}
                    />
                )}
            </div>
        </div>
    );
}

function makeParts(stage: HTMLElement, recording: Recording) {
    const screen = new TerminalScreen(stage, {
        fontSize: 14,
        isTouch: true,
        screenReader: store.get().settings.screenReader,
        theme: store.get().settings.terminalTheme === "light" ? lightTerminal : darkTerminal,
        onData: () => undefined,
        onBytes: () => undefined,
        onLink: () => undefined,
        onClipboard: () => undefined,
    });
    screen.resize(recording.columns, recording.rows);
    return {
        screen,
        playback: new Playback(recording.id, screen, recording.duration, recording.columns, recording.rows),
    };
}

interface ControlsProps {
    playback: Playback;
    screen: TerminalScreen;
    stage: React.RefObject<HTMLDivElement>;
    full: { isFull: boolean; toggle: () => void };
    recording: Recording;
    find: string;
}

function Controls({ playback, screen, stage, full, recording, find }: ControlsProps) {
    const state = useSyncExternalStore((listener) => playback.subscribe(listener), () => playback.state);
    const [scrub, setScrub] = useState<number | null>(null);
    const [hits, setHits] = useState<RecordingHit[]>([]);
    const [isHelping, setHelping] = useState(false);
    const searchField = useRef<HTMLInputElement>(null);
    const markers = useMemo(() => foldMarkers(recording.markers ?? []), [recording]);
    const position = scrub ?? state.position;
    const duration = Math.max(state.duration, 0.001);
    useStageFit(screen, stage, state.columns, state.rows);
    const actions = useMemo<PlayerActions>(() => ({
        toggleFull: full.toggle,
        help: () => setHelping(true),
        search: () => searchField.current?.focus(),
        copy: () => void copyScreen(screen),
        found: (direction) => {
            const { position } = playback.state;
            const index = hitAt(hits, position);
            const before = index - ((hits[index]?.time ?? 0) > position - 0.5 ? 1 : 0);
            const hit = direction > 0 ? hits.find((one) => one.time > position + 0.05) : hits[before];
            if (hit) void playback.seek(hit.time, false);
        },
    }), [full.toggle, screen, playback, hits]);
    usePlayerKeys(playback, actions, duration, markers);
    return (
        <div className="player-controls">
            {state.error && <Problem compact error={state.error} retry={() => playback.retry()} />}
            <SeekBar
                recording={recording.id}
                position={position}
                duration={duration}
                markers={markers}
                scrub={scrub}
                setScrub={setScrub}
                seek={(moment) => void playback.seek(moment)}
            />
            <div className="player-buttons">
                <Button
                    tone="primary"
                    icon={state.phase === "playing" ? "pause" : state.phase === "ended" ? "rewind" : "play"}
                    busy={state.phase === "loading"}
                    aria-label={state.phase === "playing" ? "Pause" : state.phase === "ended" ? "Play again" : "Play"}
                    data-testid="player-play"
                    data-phase={state.phase}
                    onClick={() => playback.toggle()}
                />
                <span className="player-time tabular" data-testid="player-time">
                    <b>{clock(position)}</b> / {clock(state.duration)}
                </span>
                <span className="spread" />
                <label className="inline-switch">
                    <Switch
                        label="Skip idle time"
                        checked={state.skipsIdle}
                        onChange={(on) => playback.setSkipsIdle(on)}
                        testid="player-skip-idle"
                    />
                    <span>Skip idle</span>
                </label>
                <select
                    aria-label="Speed"
                    value={state.speed}
                    onChange={(event) => playback.setSpeed(Number(event.target.value))}
                    data-testid="player-speed"
                >
                    {SPEEDS.map((speed) => <option key={speed} value={speed}>{speed}×</option>)}
                </select>
                <Button
                    tone="quiet"
                    icon="copy"
                    aria-label="Copy what is on the screen"
                    title="Copy what is on the screen"
                    data-testid="player-copy"
                    onClick={actions.copy}
                />
                <Button
                    tone="quiet"
                    icon="keyboard"
                    aria-label="Keys of the player"
                    title="Keys of the player"
                    className="with-keyboard"
                    data-testid="player-help"
                    onClick={actions.help}
                />
                <Button
                    tone="quiet"
                    icon="expand"
                    aria-label={full.isFull ? "Leave full screen" : "Full screen"}
                    aria-pressed={full.isFull}
                    data-testid="player-full"
                    onClick={full.toggle}
                />
            </div>
            <PlayerSearch
                recording={recording.id}
                initial={find}
                input={searchField}
                position={position}
                onHits={setHits}
                // One wants to read what was found: it stands still there.
                seek={(moment) => void playback.seek(moment, false)}
            />
            {isHelping && <KeysHelp close={() => setHelping(false)} />}
            {markers.length > 0 && (
                <ol className="marker-list" aria-label="Markers">
                    {markers.map((marker, index) => (
                        <li key={index}>
                            <button
                                type="button"
                                data-testid="player-marker"
                                onClick={() => void playback.seek(marker.time)}
                            >
                                <span className="tabular">{clock(marker.time)}</span>
                                {inert(marker.label, 120)}
                            </button>
                        </li>
                    ))}
                </ol>
            )}
        </div>
    );
}

/** The screen's text, as one would have copied it there. */
async function copyScreen(screen: TerminalScreen) {
    const { active } = screen.terminal.buffer;
    const lines: string[] = [];
    for (let row = 0; row < screen.terminal.rows; row += 1) {
        const line = active.getLine(active.viewportY + row);
        const text = line?.translateToString(true) ?? "";
        if (line?.isWrapped && lines.length > 0) lines[lines.length - 1] += text;
        else lines.push(text);
    }
    const isDone = await copyText(lines.join("\n").trimEnd());
    toast(isDone ? "Copied" : "The browser refused to copy", { tone: isDone ? "good" : "bad" });
}

function useStageFit(screen: TerminalScreen, stage: React.RefObject<HTMLDivElement>, columns: number, rows: number) {
    useEffect(() => {
        // A cell of the terminal font is 0.6 em wide and 1.32 em high.
        if (stage.current) stage.current.style.aspectRatio = `${columns * 0.6} / ${rows * 1.32}`;
    }, [stage, columns, rows]);
    useEffect(() => {
        const fit = screen.fitWhole(LARGEST_LETTERS);
        return () => fit.dispose();
    }, [screen]);
}

/** The browser's full screen where there is one; a phone that has none for a page's parts gets the whole page. */
function useFullScreen(root: React.RefObject<HTMLDivElement>) {
    const [isFull, setFull] = useState(false);
    useEffect(() => {
        const changed = () => setFull(document.fullscreenElement !== null);
        document.addEventListener("fullscreenchange", changed);
        return () => document.removeEventListener("fullscreenchange", changed);
    }, []);
    const toggle = useCallback(() => {
        if (document.fullscreenElement) void document.exitFullscreen();
        else if (!isFull) void root.current?.requestFullscreen?.().catch(() => undefined);
        setFull(!isFull);
    }, [root, isFull]);
    useEffect(() => {
        if (!isFull) return;
        const pressed = (event: KeyboardEvent) => event.key === "Escape" && setFull(false);
        document.addEventListener("keydown", pressed);
        return () => document.removeEventListener("keydown", pressed);
    }, [isFull]);
    return { isFull, toggle };
}
