import { Button } from "../ui/controls";
import { Problem } from "../ui/display";
import { bytes, inert, span } from "../ui/text";
import { cancel, clearFinished, decide, pause, resume, type Transfer } from "./transfers";

/** What is under way, what waits, and what wants an answer. */
export function TransferQueue({ session, transfers }: { session: string; transfers: Transfer[] }) {
    const done = transfers.filter((one) => one.phase === "done").length;
    const asked = transfers.filter((one) => one.phase === "exists");
    return (
        <section className="files-queue" aria-label="Transfers" data-testid="files-queue">
            <header>
                <h3>{done === transfers.length ? "All done" : `${done} of ${transfers.length} done`}</h3>
                {asked.length > 1 && (
                    <>
                        <Button small onClick={() => asked.forEach((one) => void decide(one.id, "replace"))}>
                            Replace all
                        </Button>
                        <Button small onClick={() => asked.forEach((one) => void decide(one.id, "skip"))}>Skip all</Button>
                    </>
                )}
                {done > 0 && (
                    <Button small tone="quiet" onClick={() => clearFinished(session)} data-testid="queue-clear">
                        Clear
                    </Button>
                )}
            </header>
            <ul>{transfers.slice(0, 200).map((one) => <Item key={one.id} transfer={one} />)}</ul>
            {transfers.length > 200 && <p className="muted">and {transfers.length - 200} more</p>}
        </section>
    );
}

function Item({ transfer }: { transfer: Transfer }) {
    const { id, phase, done, total } = transfer;
    const name = inert(transfer.name, 80);
    const share = total ? Math.min(1, done / total) : null;
    return (
        <li data-testid="transfer" data-phase={phase} data-name={transfer.name}>
            <div className="queue-line">
                <span className="queue-name">{name}</span>
                <span className="queue-words">{words(transfer)}</span>
                {phase === "running" && transfer.kind === "upload" && (
                    <Button small tone="quiet" icon="pause" aria-label={`Pause ${name}`} onClick={() => pause(id)} data-testid="transfer-pause" />
                )}
                {(phase === "paused" || phase === "failed") && (
                    <Button small tone="quiet" icon="play" aria-label={`Resume ${name}`} onClick={() => resume(id)} data-testid="transfer-resume" />
                )}
                <Button
                    small
                    tone="quiet"
                    icon="close"
                    aria-label={phase === "done" ? `Take ${name} off the list` : `Cancel ${name}`}
                    onClick={() => cancel(id)}
                    data-testid="transfer-cancel"
                />
            </div>
            {phase !== "done" && (
                <progress
                    aria-label={name}
                    max={1}
                    {...(share === null && phase === "running" ? {} : { value: share ?? 0 })}
                />
            )}
            {phase === "exists" && (
                <div className="queue-choice" role="group" aria-label={`${name} exists already`}>
                    <span>It exists already.</span>
                    <Button small onClick={() => void decide(id, "replace")} data-testid="transfer-replace">Replace</Button>
                    <Button small onClick={() => void decide(id, "both")} data-testid="transfer-both">Keep both</Button>
                    <Button small onClick={() => void decide(id, "skip")} data-testid="transfer-skip">Skip</Button>
                </div>
            )}
            {transfer.error && phase !== "running" && <Problem compact error={transfer.error} testid="transfer-problem" />}
            {transfer.result && transfer.kind !== "remove" && (
                <code className="queue-sum" data-testid="transfer-sha256">{transfer.result}</code>
            )}
        </li>
    );
}

function words({ kind, phase, done, total, speed, result }: Transfer): string {
    if (phase === "done") return kind === "remove" ? result ?? "removed" : kind === "checksum" ? "SHA-256" : "uploaded";
    if (kind === "remove") return phase === "running" ? `${done} removed` : phase;
    const amount = total === null ? bytes(done) : `${bytes(done)} of ${bytes(total)}`;
    if (phase !== "running") return phase === "exists" ? "" : `${phase}, ${amount}`;
    const left = total !== null && speed > 0 ? `, ${span((total - done) / speed)} left` : "";
    return speed > 0 ? `${amount}, ${bytes(speed)}/s${left}` : amount;
}
