import { useEffect, useState } from "react";
import type { SeatMode, SeatView } from "../api/types";
import { Choice, Button } from "../ui/controls";
import { Icon } from "../ui/Icon";
import { inert } from "../ui/text";
import { sharing, type Team } from "./calls";

type Attempt = (act: () => Promise<unknown>, done?: string) => Promise<void>;

const modes = [
    { value: "view" as const, label: "View" },
    { value: "control" as const, label: "Control" },
    { value: "moderate" as const, label: "Moderate" },
];

/** Teams that take part as a whole: whoever joins the team later is in, whoever leaves it is out. */
export function InvitedTeams({ seat, mayShare, attempt }: { seat: SeatView; mayShare: boolean; attempt: Attempt }) {
    if (seat.teams.length === 0) return null;
    return (
        <ul className="people-list">
            {seat.teams.map((team) => (
                <li className="person" key={team.teamId} data-testid="invited-team" data-team={team.name}>
                    <span className="team-mark">
                        <Icon name="people" />
                    </span>
                    <div className="person-words">
                        <strong>{inert(team.name, 60)}</strong>
                        <span className="muted">team</span>
                    </div>
                    {mayShare
                        ? (
                            <div className="person-actions">
                                <Choice
                                    label={`What the team ${inert(team.name, 40)} may do`}
                                    value={team.mode}
                                    options={modes}
                                    testid="team-mode"
                                    onChange={(mode) =>
                                        void attempt(() => sharing.shareWithTeam(seat.id, team.teamId, mode))}
                                />
                                <Button
                                    tone="quiet"
                                    icon="trash"
                                    aria-label={`Remove the team ${inert(team.name, 40)}`}
                                    data-testid="remove-team"
                                    onClick={() =>
                                        void attempt(
                                            () => sharing.unshareWithTeam(seat.id, team.teamId),
                                            `${inert(team.name, 40)} was removed`,
                                        )}
                                />
                            </div>
                        )
                        : <span className="mode-word">{team.mode}</span>}
                </li>
            ))}
        </ul>
    );
}

/** The teams that can be invited, as far as their names fit what is searched for. */
export function TeamCandidates({ seat, words, mode, attempt }: {
    seat: SeatView;
    words: string;
    mode: SeatMode;
    attempt: Attempt;
}) {
    const [teams, setTeams] = useState<Team[]>([]);
    useEffect(() => {
        let isGone = false;
        sharing.teams().then((all) => !isGone && setTeams(all)).catch(() => undefined);
        return () => void (isGone = true);
    }, []);
    const found = teams.filter((team) =>
        team.name.toLowerCase().includes(words) && !seat.teams.some((one) => one.teamId === team.id)
    );
    return (
        <>
            {found.slice(0, 20).map((team) => (
                <li className="person" key={team.id}>
                    <span className="team-mark">
                        <Icon name="people" />
                    </span>
                    <div className="person-words">
                        <strong>{inert(team.name, 60)}</strong>
                        <span className="muted">
                            team of {team.members.length}
                        </span>
                    </div>
                    <Button
                        small
                        icon="invite"
                        data-testid={`invite-team-${team.name}`}
                        onClick={() =>
                            void attempt(
                                () => sharing.shareWithTeam(seat.id, team.id, mode),
                                `${inert(team.name, 40)} was invited`,
                            )}
                    >
                        Invite
                    </Button>
                </li>
            ))}
        </>
    );
}
