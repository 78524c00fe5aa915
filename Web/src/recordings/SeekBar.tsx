import { type PointerEvent, useEffect, useRef, useState } from "react";
import { api } from "../api/client";
import { clock, inert } from "../ui/text";
import type { Marker } from "./markers";

interface SeekBarProps {
    recording: string;
    position: number;
    duration: number;
    markers: Marker[];
    scrub: number | null;
    setScrub: (moment: number | null) => void;
    seek: (moment: number) => void;
}

/** The bar of the recording's time: markers, and what the screen shows at the moment that one points at. */
export function SeekBar({ recording, position, duration, markers, scrub, setScrub, seek }: SeekBarProps) {
    const [pointed, setPointed] = useState<number | null>(null);
    const at = scrub ?? pointed;
    const percent = (moment: number) => (Math.min(moment, duration) / duration) * 100;
    const commit = () => {
        if (scrub === null) return;
        seek(scrub);
        setScrub(null);
        setPointed(null);
    };
    const point = (event: PointerEvent<HTMLElement>) => {
        if (event.pointerType !== "mouse") return;
        const box = event.currentTarget.getBoundingClientRect();
        setPointed(Math.max(0, Math.min(1, (event.clientX - box.left) / Math.max(1, box.width))) * duration);
    };
    return (
        <div className="seek" onPointerMove={point} onPointerLeave={() => setPointed(null)}>
            {at !== null && (
                <Preview recording={recording} moment={at} left={percent(at)} marker={markerAt(markers, at, duration)} />
            )}
            <input
                type="range"
                min={0}
                max={duration}
                step={0.1}
                value={Math.min(scrub ?? position, duration)}
                aria-label="Position"
                data-testid="player-seek"
                aria-valuetext={`${clock(scrub ?? position)} of ${clock(duration)}`}
                style={{ ["--progress" as string]: `${percent(scrub ?? position)}%` }}
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
                    style={{ left: `${percent(marker.time)}%` }}
                    aria-hidden="true"
                />
            ))}
        </div>
    );
}

/** The marker that one points at, as near as a pointer hits. */
function markerAt(markers: Marker[], moment: number, duration: number): Marker | undefined {
    const near = markers.filter((marker) => Math.abs(marker.time - moment) <= duration / 100);
    return near.sort((a, b) => Math.abs(a.time - moment) - Math.abs(b.time - moment))[0];
}

interface Shown {
    columns: number;
    rows: number;
    lines: string[];
}

/** Seconds of the answers that were asked for already; the newest are kept. */
const KEPT = 200;

function Preview({ recording, moment, left, marker }: {
    recording: string;
    moment: number;
    left: number;
    marker: Marker | undefined;
}) {
    const kept = useRef(new Map<string, Shown>());
    const [shown, setShown] = useState<Shown | null>(null);
    // A tenth of a second is as fine as the bar is.
    const second = moment.toFixed(1);
    useEffect(() => {
        const known = kept.current.get(second);
        if (known) return setShown(known);
        const stop = new AbortController();
        const timer = setTimeout(() => {
            api.recordedScreen(recording, Number(second), stop.signal).then((screen) => {
                if (kept.current.size >= KEPT) kept.current.delete(kept.current.keys().next().value ?? "");
                kept.current.set(second, screen);
                setShown(screen);
            }, () => undefined);
        }, 90);
        return () => {
            clearTimeout(timer);
            stop.abort();
        };
    }, [recording, second]);
    return (
        <div className="seek-preview" style={{ ["--at" as string]: `${left}%` }} data-testid="player-preview">
            {shown && (
                <pre
                    aria-hidden="true"
                    style={{
                        aspectRatio: `${shown.columns * 0.6} / ${shown.rows * 1.2}`,
                        ["--columns" as string]: shown.columns,
                    }}
                >
                    {shown.lines.map((line) => inert(line, 400)).join("\n")}
                </pre>
            )}
            <span className="tabular">
                {clock(moment)}
                {marker && ` · ${inert(marker.label, 60)}`}
            </span>
        </div>
    );
}
