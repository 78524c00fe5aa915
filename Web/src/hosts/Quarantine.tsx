import { useEffect, useState } from "react";
import { api, asApiError } from "../api/client";
import type { QuarantinedHost } from "../api/types";
import { go } from "../app/router";
import { toastError, useStore } from "../app/store";
import { Button } from "../ui/controls";
import { EnvironmentLabel } from "../ui/display";
import { Icon } from "../ui/Icon";
import { inert } from "../ui/text";
import { draft, draftOf } from "./draft";

/** Shown at first; the others are asked for. */
const FEW = 5;

/** Imported hosts whose keys nobody has confirmed: nothing connects to them. */
export function Quarantine() {
    const [hosts, setHosts] = useState<QuarantinedHost[]>([]);
    const [isOpen, setOpen] = useState(false);
    // A host that was added has left the quarantine.
    const loadedAt = useStore((s) => s.hosts.data?.length);
    useEffect(() => {
        let isGone = false;
        api.quarantinedHosts().then((found) => {
            if (!isGone) setHosts(found);
        }).catch(() => undefined);
        return () => void (isGone = true);
    }, [loadedAt]);
    if (hosts.length === 0) return null;
    const drop = async (host: QuarantinedHost) => {
        try {
            await api.dropQuarantinedHost(host.id);
            setHosts((before) => before.filter((one) => one.id !== host.id));
        } catch (problem) {
            toastError(asApiError(problem));
        }
    };
    return (
        <section className="quarantine" aria-label="Imported hosts" data-testid="quarantine">
            <h2>
                <Icon name="fingerprint" />
                {hosts.length === 1
                    ? "One imported host waits for its key to be confirmed"
                    : `${hosts.length} imported hosts wait for their keys to be confirmed`}
            </h2>
            <ul>
                {hosts.slice(0, isOpen ? undefined : FEW).map((host) => (
                    <li key={host.id} data-testid="quarantined-host" data-alias={host.alias}>
                        <span className="quarantine-words">
                            <b>{inert(host.alias, 80)}</b>{" "}
                            <span className="muted">
                                {inert(`${host.username}@${host.address}:${host.port}`, 120)}
                            </span>
                        </span>
                        <EnvironmentLabel environment={host.environment} />
                        <Button
                            small
                            tone="soft"
                            icon="fingerprint"
                            data-testid="quarantine-confirm"
                            onClick={() => {
                                draft.keep(draftOf(host));
                                go("/hosts/add");
                            }}
                        >
                            Confirm
                        </Button>
                        <Button
                            small
                            tone="quiet"
                            icon="trash"
                            aria-label={`Drop ${inert(host.alias, 60)}`}
                            data-testid="quarantine-drop"
                            onClick={() => void drop(host)}
                        />
                    </li>
                ))}
            </ul>
            {hosts.length > FEW && (
                <Button small tone="quiet" onClick={() => setOpen(!isOpen)}>
                    {isOpen ? "Show fewer" : `Show all ${hosts.length}`}
                </Button>
            )}
        </section>
    );
}
