import { lazy, Suspense, useMemo, useState } from "react";
import type { Recording, SearchScope } from "../api/types";
import { usePolling } from "../app/polling";
import { go, useRoute } from "../app/router";
import { load } from "../app/session";
import { useStore } from "../app/store";
import { Button, Choice } from "../ui/controls";
import { Empty, EnvironmentLabel, Listing, PageHead, Skeleton, useNow } from "../ui/display";
import { Icon } from "../ui/Icon";
import { bytes, clock, fullTime, inert, shortTime } from "../ui/text";
import { SCOPES } from "./scopes";

const SearchInside = lazy(async () => ({ default: (await import("./RecordingSearch")).SearchInside }));

/** The recordings, by whose they are or by what is in them. The address says which, and what was looked for. */
export function Recordings() {
    const { query } = useRoute();
    const isInside = query.has("q");
    const asked = query.get("in");
    const scope = SCOPES.find((one) => one.value === asked)?.value ?? "all";
    const ask = (text: string, where: SearchScope) =>
        go(`/recordings?${new URLSearchParams({ q: text, in: where })}`);
    return (
        <>
            <PageHead
                title="Recordings"
                note="Every session, from its first byte to its last. What was typed unseen is not in them."
            />
            <Choice
                label="What to look at"
                value={isInside ? "inside" : "list"}
                options={[
                    { value: "list", label: "All recordings", icon: "recording" },
                    { value: "inside", label: "Search inside", icon: "search" },
                ]}
                onChange={(choice) => (choice === "inside" ? ask("", "all") : go("/recordings"))}
                testid="recordings-view"
            />
            {isInside
                ? (
                    <Suspense fallback={<Skeleton rows={2} />}>
                        <SearchInside text={query.get("q") ?? ""} scope={scope} ask={ask} />
                    </Suspense>
                )
                : <List />}
        </>
    );
}

function List() {
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
                {recording.hold && <span className="tag" title={inert(recording.hold.reason, 500)}>held</span>}
                {recording.state === "truncated" && (
                    <span className="tag" title="The end is missing; everything before it plays">cut short</span>
                )}
            </td>
            <td data-label="Owner">{inert(recording.owner.name, 40)}</td>
            <td data-label="With" className="muted">
                {others.length > 0 ? others.map((name) => inert(name, 30)).join(", ") : "–"}
            </td>
            <td data-label="When" title={fullTime(recording.startedAt)}>{shortTime(recording.startedAt)}</td>
            <td data-label="Length" className="number tabular" data-testid="recording-length">
                {recording.state === "recording" ? <Running since={recording.startedAt} /> : clock(recording.duration)}
            </td>
            <td data-label="Size" className="number tabular muted">{bytes(recording.bytes)}</td>
        </tr>
    );
}

/** The length of a recording that is being made. */
function Running({ since }: { since: string }) {
    const now = useNow(1_000);
    return <>{clock((now - new Date(since).getTime()) / 1000)}</>;
}
