import { useMemo, useState } from "react";
import type { Recording } from "../api/types";
import { usePolling } from "../app/polling";
import { go } from "../app/router";
import { load } from "../app/session";
import { useStore } from "../app/store";
import { Button } from "../ui/controls";
import { Empty, EnvironmentLabel, Listing, PageHead } from "../ui/display";
import { Icon } from "../ui/Icon";
import { bytes, clock, fullTime, inert, shortTime } from "../ui/text";

export function Recordings() {
    const recordings = useStore((s) => s.recordings);
    const [query, setQuery] = useState("");
    usePolling(() => void load("recordings"), 12_000);
    const shown = useMemo(() => {
        const words = query.toLowerCase().split(/\s+/).filter(Boolean);
        return (recordings.data ?? []).filter((one) => {
            const text = [one.host.alias, one.owner.name, one.host.environment, ...one.participants].join(" ")
                .toLowerCase();
            return words.every((word) => text.includes(word));
        });
    }, [recordings.data, query]);
    return (
        <>
            <PageHead
                title="Recordings"
                note="Every session, from its first byte to its last. What was typed unseen is not in them."
            />
            {(recordings.data?.length ?? 0) > 0 && (
                <div className="filters">
                    <div className="search">
                        <Icon name="search" />
                        <input
                            type="search"
                            placeholder="Search by host or person"
                            aria-label="Search recordings"
                            value={query}
                            onChange={(event) => setQuery(event.target.value)}
                            data-testid="recording-search"
                        />
                    </div>
                </div>
            )}
            <Listing
                value={recordings}
                reload={() => void load("recordings")}
                empty={
                    <Empty
                        icon="recording"
                        title="No recordings yet"
                        action={<Button onClick={() => go("/hosts")}>Connect to a host</Button>}
                    >
                        The first session makes the first one.
                    </Empty>
                }
            >
                {() =>
                    shown.length === 0
                        ? (
                            <Empty
                                icon="search"
                                title="No recording matches"
                                action={<Button onClick={() => setQuery("")}>Clear the search</Button>}
                            />
                        )
                        : (
                            <table className="table stacking linked" data-testid="recordings-list">
                                <thead>
                                    <tr>
                                        <th>Host</th>
                                        <th>Owner</th>
                                        <th>People</th>
                                        <th>When</th>
                                        <th className="number">Length</th>
                                        <th className="number">Size</th>
                                    </tr>
                                </thead>
                                <tbody>
                                    {shown.map((recording) => <Row key={recording.id} recording={recording} />)}
                                </tbody>
                            </table>
                        )}
            </Listing>
        </>
    );
}

function Row({ recording }: { recording: Recording }) {
    const others = recording.participants.filter((name) => name !== recording.owner.name);
    return (
        <tr data-testid="recording-row" data-recording={recording.id}>
            <td data-label="Host">
                <a
                    href={`#/recordings/${encodeURIComponent(recording.id)}`}
                    className="row-link"
                    data-testid="recording-open"
                >
                    <span className="play-dot">
                        <Icon name="play" size={14} />
                    </span>
                    <strong>{inert(recording.host.alias, 60)}</strong>
                </a>{" "}
                <EnvironmentLabel environment={recording.host.environment} />
                {recording.state === "recording" && (
                    <span className="live-count">
                        <i aria-hidden="true" />recording
                    </span>
                )}
                {recording.state === "truncated" && (
                    <span className="tag" title="The end is missing; everything before it plays">cut short</span>
                )}
            </td>
            <td data-label="Owner">{inert(recording.owner.name, 40)}</td>
            <td data-label="With" className="muted">
                {others.length > 0 ? others.map((name) => inert(name, 30)).join(", ") : "–"}
            </td>
            <td data-label="When" title={fullTime(recording.startedAt)}>{shortTime(recording.startedAt)}</td>
            <td data-label="Length" className="number tabular">{clock(recording.duration)}</td>
            <td data-label="Size" className="number tabular muted">{bytes(recording.bytes)}</td>
        </tr>
    );
}
