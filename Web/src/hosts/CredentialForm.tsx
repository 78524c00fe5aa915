import type { ApiError } from "../api/client";
import { Choice, PasswordField } from "../ui/controls";
import { inert } from "../ui/text";
import type { HostDraft } from "./draft";

type Value = Pick<
    HostDraft,
    "credentialKind" | "password" | "privateKey" | "passphrase" | "needsPassphrase" | "username" | "alias"
>;

const kinds = [
    { value: "generated" as const, label: "New key" },
    { value: "key" as const, label: "My key" },
    { value: "password" as const, label: "Password" },
];

const KEY_LIMIT = 64 * 1024;

/** How the copilot signs in to the host. The secret goes to the vault and never comes back to a page. */
export function CredentialForm(
    { value, change, error }: { value: Value; change: (part: Partial<HostDraft>) => void; error: ApiError | null },
) {
    const keyError = error && ["not_a_private_key", "malformed_key", "unsupported_key"].includes(error.code)
        ? `${error.message} ${error.hint}`
        : null;
    const passphraseError = error && ["passphrase_required", "wrong_passphrase"].includes(error.code)
        ? error.message
        : null;
    const isEncrypted = value.needsPassphrase || /ENCRYPTED|bcrypt/.test(value.privateKey) || value.passphrase !== "";
    const read = async (file: File | undefined) => {
        if (file && file.size <= KEY_LIMIT) change({ privateKey: await file.text() });
    };
    return (
        <>
            <div className="field">
                <span className="label">How sessions sign in</span>
                <Choice
                    label="Kind of credential"
                    value={value.credentialKind}
                    options={kinds}
                    onChange={(credentialKind) => change({ credentialKind })}
                    testid="credential-kind"
                />
            </div>
            {value.credentialKind === "generated" && (
                <p className="note">
                    The copilot makes an Ed25519 key that never leaves its vault, and shows you the line to put into
                    {" "}
                    <code>~{inert(value.username, 40)}/.ssh/authorized_keys</code> on the host.
                </p>
            )}
            {value.credentialKind === "password" && (
                <PasswordField
                    label={`Password of ${inert(value.username, 40) || "the user"} on the host`}
                    autoComplete="off"
                    value={value.password}
                    onChange={(event) => change({ password: event.target.value })}
                    data-testid="credential-password"
                    hint="Kept encrypted in the vault"
                />
            )}
            {value.credentialKind === "key" && (
                <>
                    <div className={`field ${keyError ? "has-error" : ""}`}>
                        <div className="label-row">
                            <label htmlFor="private-key">Private key</label>
                            <label className="button small file-button">
                                Choose a file
                                <input
                                    type="file"
                                    onChange={(event) => void read(event.target.files?.[0])}
                                    data-testid="credential-file"
                                />
                            </label>
                        </div>
                        <textarea
                            id="private-key"
                            className="text-area mono"
                            rows={7}
                            spellCheck={false}
                            autoCapitalize="off"
                            autoCorrect="off"
                            autoComplete="off"
                            placeholder="-----BEGIN OPENSSH PRIVATE KEY-----"
                            value={value.privateKey}
                            aria-invalid={keyError ? true : undefined}
                            onChange={(event) => change({ privateKey: event.target.value })}
                            data-testid="credential-key"
                            onDragOver={(event) => event.preventDefault()}
                            onDrop={(event) => {
                                event.preventDefault();
                                void read(event.dataTransfer.files[0]);
                            }}
                        />
                        <p className="field-note">
                            {keyError ?? "OpenSSH or PEM. It is kept encrypted in the vault and never shown again."}
                        </p>
                    </div>
                    {(isEncrypted || passphraseError) && (
                        <PasswordField
                            label="Passphrase of the key"
                            autoComplete="off"
                            value={value.passphrase}
                            error={passphraseError}
                            onChange={(event) => change({ passphrase: event.target.value })}
                            data-testid="credential-passphrase"
                        />
                    )}
                </>
            )}
        </>
    );
}
