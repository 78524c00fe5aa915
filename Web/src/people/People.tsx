import { type FormEvent, useState } from "react";
import { api, type ApiError, asApiError } from "../api/client";
import type { Invitation, User } from "../api/types";
import { usePolling } from "../app/polling";
import { load } from "../app/session";
import { toast, toastError, useMay, useStore } from "../app/store";
import { Teams } from "../sharing/Teams";
import { Button, CopyButton, Dialog, Field, Switch } from "../ui/controls";
import { Avatar, Empty, Listing, NoPermission, PageHead, Problem } from "../ui/display";
import { ago, fullTime, inert } from "../ui/text";

const roles = [
    { value: "admin", label: "Admin: everything" },
    { value: "devops", label: "DevOps: sessions on their hosts, audit log" },
    { value: "ml-ops", label: "ML-Ops: hosts tagged gpu" },
    { value: "guest", label: "Guest: watches only" },
];

export function People() {
    const mayManage = useMay("user.manage");
    const users = useStore((s) => s.users);
    const [isAdding, setAdding] = useState(false);
    usePolling(() => void load("users"), 15_000);
    if (!mayManage) return <NoPermission permission="user.manage" />;
    return (
        <>
            <PageHead title="People" note="Who may sign in, and what their role lets them do.">
                <Button tone="primary" icon="invite" onClick={() => setAdding(true)} data-testid="user-add">
                    Add a person
                </Button>
            </PageHead>
            <Listing value={users} reload={() => void load("users")} empty={<Empty icon="people" title="Nobody yet" />}>
                {(list) => (
                    <table className="table stacking" data-testid="people-table">
                        <thead>
                            <tr>
                                <th>Person</th>
                                <th>Role</th>
                                <th>Last signed in</th>
                                <th>May sign in</th>
                                <th>
                                    <span className="offscreen">New link</span>
                                </th>
                            </tr>
                        </thead>
                        <tbody>{list.map((user) => <UserRow key={user.id} user={user} />)}</tbody>
                    </table>
                )}
            </Listing>
            <Teams />
            {isAdding && <AddUser onClose={() => setAdding(false)} />}
        </>
    );
}

function UserRow({ user }: { user: User }) {
    const me = useStore((s) => s.me?.user.id);
    const [isBusy, setBusy] = useState(false);
    const [isInviting, setInviting] = useState(false);
    const change = async (body: { role?: string; disabled?: boolean }, done: string) => {
        setBusy(true);
        try {
            await api.updateUser(user.id, body);
            toast(done, { tone: "good" });
        } catch (error) {
            toastError(asApiError(error));
        }
        await load("users");
        setBusy(false);
    };
    return (
        <tr data-testid="user-row" data-user={user.username} className={user.disabled ? "dimmed" : ""}>
            <td>
                <div className="person">
                    <Avatar id={user.id} name={user.name} size={32} />
                    <div className="person-words">
                        <strong>
                            {inert(user.name, 60)}
                            {user.id === me && <span className="muted">{" (you)"}</span>}
                        </strong>
                        <span className="muted">{inert(user.username, 60)}</span>
                    </div>
                </div>
            </td>
            <td data-label="Role">
                <select
                    value={user.role}
                    disabled={isBusy}
                    aria-label={`Role of ${inert(user.name, 60)}`}
                    data-testid="user-role"
                    onChange={(event) =>
                        void change(
                            { role: event.target.value },
                            `${inert(user.name, 40)} is ${event.target.value} now`,
                        )}
                >
                    {roles.map((role) => <option key={role.value} value={role.value}>{role.value}</option>)}
                    {!roles.some((role) => role.value === user.role) && (
                        <option value={user.role}>{inert(user.role, 40)}</option>
                    )}
                </select>
            </td>
            <td data-label="Last signed in" className="muted">
                {user.lastSignInAt ? ago(user.lastSignInAt) : "never"}
            </td>
            <td data-label="May sign in">
                <Switch
                    label={`${inert(user.name, 60)} may sign in`}
                    checked={!user.disabled}
                    disabled={isBusy || user.id === me}
                    testid="user-enabled"
                    onChange={(on) =>
                        void change(
                            { disabled: !on },
                            on
                                ? `${inert(user.name, 40)} may sign in again`
                                : `${inert(user.name, 40)} is signed out and locked out`,
                        )}
                />
            </td>
            <td className="row-actions">
                {user.id !== me && (
                    <Button
                        small
                        icon="key"
                        disabled={user.disabled}
                        onClick={() => setInviting(true)}
                        data-testid="user-invite"
                    >
                        New link
                    </Button>
                )}
                {isInviting && <NewLink user={user} onClose={() => setInviting(false)} />}
            </td>
        </tr>
    );
}

/** For a lost invitation or a forgotten password. */
function NewLink({ user, onClose }: { user: User; onClose: () => void }) {
    const [isBusy, setBusy] = useState(false);
    const [error, setError] = useState<ApiError | null>(null);
    const [invitation, setInvitation] = useState<Invitation | null>(null);
    const make = async () => {
        setBusy(true);
        setError(null);
        try {
            setInvitation(await api.inviteUser(user.id));
        } catch (problem) {
            setError(asApiError(problem));
        }
        setBusy(false);
    };
    if (invitation) return <InvitationDialog name={user.name} invitation={invitation} onClose={onClose} />;
    return (
        <Dialog
            title={`A new link for ${inert(user.name, 60)}?`}
            onClose={onClose}
            testid="new-link-dialog"
            actions={
                <>
                    <Button onClick={onClose}>Cancel</Button>
                    <Button tone="primary" busy={isBusy} onClick={() => void make()} data-testid="user-invite-confirm">
                        Make a new link
                    </Button>
                </>
            }
        >
            <p>With it they choose a new password. Their sign-ins and their older links end now.</p>
            {error && <Problem compact error={error} />}
        </Dialog>
    );
}

function InvitationDialog(
    { name, invitation, onClose }: { name: string; invitation: Invitation; onClose: () => void },
) {
    return (
        <Dialog
            title={`Invitation for ${inert(name, 60)}`}
            onClose={onClose}
            testid="invitation-dialog"
            actions={
                <>
                    <Button onClick={onClose}>Done</Button>
                    <CopyButton tone="primary" text={invitation.link} label="Copy the link" testid="invitation-copy" />
                </>
            }
        >
            <p>
                Send this link over a channel that you trust. It works once, until{" "}
                {fullTime(invitation.expiresAt)}, and is not shown again.
            </p>
            <pre className="preview" data-testid="invitation-link">{invitation.link}</pre>
        </Dialog>
    );
}

function AddUser({ onClose }: { onClose: () => void }) {
    const [username, setUsername] = useState("");
    const [name, setName] = useState("");
    const [role, setRole] = useState("devops");
    const [isBusy, setBusy] = useState(false);
    const [error, setError] = useState<ApiError | null>(null);
    const [invitation, setInvitation] = useState<Invitation | null>(null);
    const submit = async (event: FormEvent) => {
        event.preventDefault();
        setBusy(true);
        setError(null);
        try {
            const answer = await api.addUser({ username: username.trim(), name: name.trim() || username.trim(), role });
            void load("users");
            if (answer.invitation) setInvitation(answer.invitation);
            else onClose();
        } catch (problem) {
            setError(asApiError(problem));
        }
        setBusy(false);
    };
    if (invitation) {
        return <InvitationDialog name={name || username} invitation={invitation} onClose={onClose} />;
    }
    return (
        <Dialog title="Add a person" onClose={onClose} testid="user-dialog">
            <form onSubmit={submit} className="stack">
                <Field
                    label="User name"
                    required
                    autoFocus
                    autoCapitalize="off"
                    autoCorrect="off"
                    spellCheck={false}
                    value={username}
                    data-testid="user-username"
                    onChange={(event) => setUsername(event.target.value)}
                    error={error?.at("username")}
                    hint="What they sign in with"
                />
                <Field
                    label="Name"
                    required
                    value={name}
                    onChange={(event) => setName(event.target.value)}
                    data-testid="user-name"
                />
                <div className="field">
                    <label htmlFor="new-role">Role</label>
                    <select
                        id="new-role"
                        value={role}
                        onChange={(event) => setRole(event.target.value)}
                        data-testid="user-new-role"
                    >
                        {roles.map((one) => <option key={one.value} value={one.value}>{one.label}</option>)}
                    </select>
                </div>
                {error && error.field !== "username" && <Problem compact error={error} />}
                <div className="form-actions">
                    <Button onClick={onClose}>Cancel</Button>
                    <Button
                        tone="primary"
                        type="submit"
                        busy={isBusy}
                        disabled={!username || !name}
                        data-testid="user-submit"
                    >
                        Make an invitation
                    </Button>
                </div>
            </form>
        </Dialog>
    );
}
