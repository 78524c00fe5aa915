import { useEffect, useState } from "react";
import { usePolling } from "../app/polling";
import { go, useRoute } from "../app/router";
import { useMay } from "../app/store";
import { Button } from "../ui/controls";
import { Icon } from "../ui/Icon";
import { inert } from "../ui/text";
import { type AgentRequest, agents } from "./api";

const EVERY = 4_000;

/** Says on every screen that an agent asks for access, until somebody answers. */
export function AgentCall() {
    const may = useMay("agent.approve");
    const [waiting, setWaiting] = useState<AgentRequest[]>([]);
    const [screen] = useRoute().path;
    const ask = () => {
        if (!may) return;
        agents.requests().then(
            (all) => setWaiting(all.filter((one) => one.status === "pending")),
            // The next question may be answered; a strip about a failed one would only be in the way.
            () => undefined,
        );
    };
    usePolling(ask, EVERY);
    // Whoever comes from there may have answered.
    useEffect(() => {
        setWaiting([]);
        ask();
    }, [screen === "agents"]);
    const first = waiting[0];
    if (!may || !first || screen === "agents") return null;
    return (
        <p className="strip agent-call" role="status" data-testid="agent-call">
            <Icon name="agent" size={18} />
            <span>
                <b>{inert(first.agent.name, 40)}</b> asks for <b>{inert(first.host, 60)}</b>
                {waiting.length > 1 && ` and ${waiting.length - 1} more`}
            </span>
            <Button small onClick={() => go(`/agents?request=${first.id}`)} data-testid="agent-call-review">Review</Button>
        </p>
    );
}
