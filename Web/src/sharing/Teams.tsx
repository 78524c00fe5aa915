import { type FormEvent, useCallback, useEffect, useState } from "react";
import { type ApiError, asApiError } from "../api/client";
import { load } from "../app/session";
import { toast, useStore } from "../app/store";
import { Button, Dialog, Field } from "../ui/controls";
import { Avatar, Empty, Problem, Skeleton } from "../ui/display";
import { Icon } from "../ui/Icon";
import { inert } from "../ui/text";
import { sharing, type Team } from "./calls";

/** Teams: people who are invited together. Whoever is added later is in, whoever is taken out is out at once. */
export function Teams() {
    const [teams, setTeams] = useState<Team[] | null>(null);
    const [error, setError] = useState<ApiError | null>(null);
    const [isAdding, setAdding] = useState(false);
    const reload = useCallback(async () => {
        try {
            setTeams(await sharing.teams());
            setError(null);
        } catch (problem) {
            setError(asApiError(problem));
        }
    }, []);
    useEffect(() => void reload(), [reload]);
    const attempt = async (act: () => Promise<unknown>, done: string) => {
        try {
            await act();
            toast(done, { tone: "good" });
            await reload();
        } catch (problem) {
            setError(asApiError(problem));
        }
    };
    return (
        <section className="stack" aria-label="Teams" data-testid="teams">
            <header className="section-head">
                <h2 className="section-title">Teams</h2>
                <Button icon="plus" onClick={() => setAdding(true)} data-testid="team-add">Make a team</Button>
            </header>
            {error && <Problem compact error={error} retry={() => void reload()} testid="teams-problem" />}
            {!teams && !error && <Skeleton rows={2} />}
            {teams?.length === 0 && (
                <Empty icon="people" title="No teams yet">A team is invited to a session as a whole.</Empty>
            )}
            <ul className="team-list">
                {teams?.map((team) => <TeamRow key={team.id} team={team} attempt={attempt} />)}
            </ul>
            {isAdding && (
                <NewTeam
                    onClose={() => setAdding(false)}
                    done={async () => {
                        setAdding(false);
                        await reload();
                    }}
                />
            )}
        </section>
    );
}

type Attempt = (act: () => Promise<unknown>, done: string) => Promise<void>;

function TeamRow({ team, attempt }: { team: Team; attempt: Attempt }) {
    const users = useStore((s) => s.users.data);
    const [isRemoving, setRemoving] = useState(false);
    useEffect(() => {
        if (!users) void load("users");
    }, [users]);
    const others = (users ?? []).filter((user) =>
        !user.disabled && !team.members.some((member) => member.id === user.id)
    );
    const name = inert(team.name, 60);
    return (
        <li className="panel team" data-testid="team" data-team={team.name}>
            <header>
                <span className="team-mark">
                    <Icon name="people" />
                </span>
                <strong>{name}</strong>
                <span className="muted">{team.members.length} {team.members.length === 1 ? "member" : "members"}</span>
                <span className="spread" />
                <Button
                    tone="quiet"
                    icon="trash"
                    aria-label={`Remove the team ${name}`}
                    data-testid="team-remove"
                    onClick={() => setRemoving(true)}
                />
            </header>
            <ul className="team-members">
                {team.members.map((member) => (
                    <li key={member.id} data-testid="team-member" data-user={member.username}>
                        <Avatar id={member.id} name={member.name} size={24} />
                        <span>{inert(member.name, 60)}</span>
                        <Button
                            tone="quiet"
                            small
                            icon="close"
                            aria-label={`Take ${inert(member.name, 40)} out of ${name}`}
                            data-testid="team-member-remove"
                            onClick={() =>
                                void attempt(
                                    () => sharing.removeMember(team.id, member.id),
                                    `${inert(member.name, 40)} is out of ${name}`,
                                )}
                        />
                    </li>
                ))}
            </ul>
            {others.length > 0 && (
                <select
                    aria-label={`Add somebody to ${name}`}
                    value=""
                    data-testid="team-member-add"
                    onChange={(event) => {
                        const user = others.find((one) => one.id === event.target.value);
                        if (!user) return;
                        void attempt(
                            () => sharing.addMember(team.id, user.id),
                            `${inert(user.name, 40)} is in ${name} now`,
                        );
                    }}
                >
                    <option value="">Add somebody…</option>
                    {others.map((user) => <option key={user.id} value={user.id}>{inert(user.name, 60)}</option>)}
                </select>
            )}
            {isRemoving && (
                <Dialog
                    title={`Remove the team ${name}?`}
                    onClose={() => setRemoving(false)}
                    actions={
                        <>
                            <Button onClick={() => setRemoving(false)}>Cancel</Button>
                            <Button
                                tone="danger"
                                data-testid="team-remove-confirm"
                                onClick={() => {
                                    setRemoving(false);
                                    void attempt(() => sharing.removeTeam(team.id), `The team ${name} was removed`);
                                }}
                            >
                                Remove
                            </Button>
                        </>
                    }
                >
                    <p>Whoever sits at a session only because of this team is out at once.</p>
                </Dialog>
            )}
        </li>
    );
}

function NewTeam({ onClose, done }: { onClose: () => void; done: () => Promise<void> }) {
    const [name, setName] = useState("");
    const [isBusy, setBusy] = useState(false);
    const [error, setError] = useState<ApiError | null>(null);
    const submit = async (event: FormEvent) => {
        event.preventDefault();
        setBusy(true);
        setError(null);
        try {
            await sharing.addTeam(name, []);
            await done();
        } catch (problem) {
            setError(asApiError(problem));
            setBusy(false);
        }
    };
    return (
        <Dialog title="Make a team" onClose={onClose} testid="team-dialog">
            <form onSubmit={submit} className="stack">
                <Field
                    label="Name"
                    required
                    autoFocus
                    maxLength={60}
                    value={name}
                    data-testid="team-name"
                    error={error?.at("name")}
                    onChange={(event) => setName(event.target.value)}
                />
                {error && error.field !== "name" && <Problem compact error={error} />}
                <div className="form-actions">
                    <Button onClick={onClose}>Cancel</Button>
                    <Button tone="primary" type="submit" busy={isBusy} disabled={!name.trim()} data-testid="team-submit">
                        Make it
                    </Button>
                </div>
            </form>
        </Dialog>
    );
}
