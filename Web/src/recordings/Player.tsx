import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { api, type ApiError, asApiError } from "../api/client";
import type { Recording } from "../api/types";
import { store, toastError, useMay } from "../app/store";
import { terminalFont } from "../terminal/hooks";
import { TerminalScreen } from "../terminal/screen";
import { darkTerminal, lightTerminal } from "../terminal/themes";
import { Button, Switch } from "../ui/controls";
import { EnvironmentLabel, PageHead, Problem, Skeleton } from "../ui/display";
import { clock, fullTime, inert } from "../ui/text";
import { foldMarkers } from "./markers";
import { Playback, SPEEDS } from "./playback";

/** Pixels. */
const LARGEST_LETTERS = 18;

export default function Player({ id, startAt }: { id: string; startAt: number }) {
    const [recording, setRecording] = useState<Recording | null>(null);
    const [error, setError] = useState<ApiError | null>(null);
    const [attempt, setAttempt] = useState(0);
    useEffect(() => {
        setError(null);
        api.recording(id).then(setRecording, (problem) => setError(asApiError(problem)));
    }, [id, attempt]);
    if (error) return <Problem error={error} retry={() => setAttempt(attempt + 1)} />;
    if (!recording) return <Skeleton rows={6} />;
    return <PlayerFor recording={recording} startAt={startAt} />;
}

function PlayerFor({ recording, startAt }: { recording: Recording; startAt: number }) {
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
    }, [recording, startAt]);
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
                    </>
                }
            >
                <Downloads recording={recording} />
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

function Downloads({ recording }: { recording: Recording }) {
    const mayExport = useMay("recording.export");
    const [isBusy, setBusy] = useState(false);
    if (!mayExport) return null;
    const download = async (form: "asciicast" | "text") => {
        setBusy(true);
        try {
            // A download carries the cookie it finds: make sure that it is a good one.
            await api.ensureFresh();
            const anchor = document.createElement("a");
            anchor.href = `/api/recordings/${encodeURIComponent(recording.id)}/${form}`;
            anchor.download = "";
            document.body.append(anchor);
            anchor.click();
            anchor.remove();
        } catch (problem) {
            toastError(asApiError(problem));
        }
        setBusy(false);
    };
    return (
        <>
            <Button
                icon="download"
                disabled={isBusy}
                onClick={() => void download("asciicast")}
                data-testid="download-asciicast"
            >
                asciicast
            </Button>
            <Button icon="download" disabled={isBusy} onClick={() => void download("text")} data-testid="download-text">
                Text
            </Button>
        </>
    );
}

interface ControlsProps {
    playback: Playback;
    screen: TerminalScreen;
    stage: React.RefObject<HTMLDivElement>;
    full: { isFull: boolean; toggle: () => void };
    recording: Recording;
}

function Controls({ playback, screen, stage, full, recording }: ControlsProps) {
    const state = useSyncExternalStore((listener) => playback.subscribe(listener), () => playback.state);
    const [scrub, setScrub] = useState<number | null>(null);
    const markers = useMemo(() => foldMarkers(recording.markers ?? []), [recording]);
    const position = scrub ?? state.position;
    const duration = Math.max(state.duration, 0.001);
    useStageFit(screen, stage, state.columns, state.rows);
    usePlayerKeys(playback, full.toggle, duration, markers);
    const commit = () => {
        if (scrub === null) return;
        void playback.seek(scrub);
        setScrub(null);
    };
    return (
        <div className="player-controls">
            {state.error && <Problem compact error={state.error} retry={() => playback.retry()} />}
            <div className="seek">
                <input
                    type="range"
                    min={0}
                    max={duration}
                    step={0.1}
                    value={Math.min(position, duration)}
                    aria-label="Position"
                    data-testid="player-seek"
                    aria-valuetext={`${clock(position)} of ${clock(duration)}`}
                    style={{ ["--progress" as string]: `${(Math.min(position, duration) / duration) * 100}%` }}
                    onChange={(event) => setScrub(Number(event.target.value))}
                    onPointerUp={commit}
                    onKeyUp={commit}
                    onBlur={commit}
                />
                {markers.map((marker, index) => (
                    <i
                        key={index}
                        className="marker"
                        data-kind={marker.kind}
                        style={{ left: `${(marker.time / duration) * 100}%` }}
                        aria-hidden="true"
                    />
                ))}
            </div>
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
                    icon="expand"
                    aria-label={full.isFull ? "Leave full screen" : "Full screen"}
                    aria-pressed={full.isFull}
                    data-testid="player-full"
                    onClick={full.toggle}
                />
            </div>
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

function usePlayerKeys(
    playback: Playback,
    toggleFull: () => void,
    duration: number,
    markers: { time: number }[],
) {
    useEffect(() => {
        const pressed = (event: KeyboardEvent) => {
            const target = event.target as HTMLElement;
            if (event.ctrlKey || event.metaKey || event.altKey || /^(select|textarea)$/i.test(target.tagName)) return;
            const isRange = target instanceof HTMLInputElement && target.type === "range";
            if (target.tagName === "INPUT" && !isRange) return;
            if (event.key === " " && target.tagName === "BUTTON") return;
            const { position } = playback.state;
            const step = event.shiftKey ? duration / 10 : 5;
            switch (event.key) {
                case " ":
                    playback.toggle();
                    break;
                case "ArrowLeft":
                    void playback.seek(position - step);
                    break;
                case "ArrowRight":
                    void playback.seek(position + step);
                    break;
                case "Home":
                    void playback.seek(0);
                    break;
                case "[":
                    void playback.seek(
                        [...markers].reverse().find((marker) => marker.time < position - 0.5)?.time ?? 0,
                    );
                    break;
                case "]":
                    void playback.seek(markers.find((marker) => marker.time > position + 0.1)?.time ?? duration);
                    break;
                case "ArrowUp":
                case "ArrowDown": {
                    const index = SPEEDS.indexOf(playback.state.speed as (typeof SPEEDS)[number]) +
                        (event.key === "ArrowUp" ? 1 : -1);
                    playback.setSpeed(SPEEDS[Math.max(0, Math.min(SPEEDS.length - 1, index))] ?? 1);
                    break;
                }
                case "f":
                    toggleFull();
                    break;
                default:
                    if (!/^[0-9]$/.test(event.key)) return;
                    void playback.seek((duration * Number(event.key)) / 10);
            }
            event.preventDefault();
        };
        document.addEventListener("keydown", pressed);
        return () => document.removeEventListener("keydown", pressed);
    }, [playback, toggleFull, duration, markers]);
}
