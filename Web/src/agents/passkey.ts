import { api, ApiError } from "../api/client";

/** A passkey of one's own: a decision about an agent is made with it, and with nothing less. */
export interface Passkey {
    id: string;
    name: string;
    place: string;
    createdAt: string;
    lastUsedAt: string | null;
}

/** One use of it over what the server asked: base64url throughout. */
export interface Assertion {
    credentialId: string;
    clientDataJSON: string;
    authenticatorData: string;
    signature: string;
}

/** What newer browsers add to a new passkey, so that nobody has to take its CBOR apart (Web Authentication, level 2). */
interface MadePasskey extends AuthenticatorAttestationResponse {
    getAuthenticatorData(): ArrayBuffer;
    getPublicKey(): ArrayBuffer | null;
}

const encode = (bytes: ArrayBuffer) =>
    btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

function decode(text: string): Uint8Array {
    const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    return Uint8Array.from(plain, (sign) => sign.charCodeAt(0));
}

/** Whether this browser makes and uses passkeys here: it wants TLS, or localhost. */
export const canUsePasskeys = () => window.isSecureContext && "PublicKeyCredential" in window;

/** Does something; where the server wants a passkey for it, asks for that and does it once more with its answer. */
export async function withPasskey<T>(act: (passkey?: Assertion) => Promise<T>): Promise<T> {
    try {
        return await act();
    } catch (error) {
        if (!(error instanceof ApiError) || error.code !== "passkey_needed") throw error;
        return await act(await assertion(error.body));
    }
}

async function assertion(asked: Record<string, unknown>): Promise<Assertion> {
    const allow = Array.isArray(asked.allow) ? asked.allow.map(String) : [];
    const found = await ask(() =>
        navigator.credentials.get({
            publicKey: {
                challenge: decode(String(asked.challenge)),
                rpId: String(asked.place),
                allowCredentials: allow.map((id) => ({ type: "public-key", id: decode(id) })),
                userVerification: "preferred",
                timeout: 110_000,
            },
        })
    );
    const response = found.response as AuthenticatorAssertionResponse;
    return {
        credentialId: encode(found.rawId),
        clientDataJSON: encode(response.clientDataJSON),
        authenticatorData: encode(response.authenticatorData),
        signature: encode(response.signature),
    };
}

/** What the browser says when nobody confirmed says little: these words say more. */
async function ask(act: () => Promise<Credential | null>): Promise<PublicKeyCredential> {
    try {
        const found = await act();
        if (found instanceof PublicKeyCredential) return found;
    } catch (error) {
        if (error instanceof DOMException && error.name === "InvalidStateError") {
            throw new ApiError(-1, "passkey_known", "This passkey is known here already.", "Use it.");
        }
    }
    throw new ApiError(-1, "passkey_cancelled", "The passkey was not used, so nothing was decided.", "Try it again.");
}

export const passkeys = {
    list: async () => (await api.request<{ passkeys: Passkey[] }>("GET", "/api/me/passkeys")).passkeys,
    remove: (id: string) =>
        withPasskey((passkey) =>
            api.request<void>("DELETE", `/api/me/passkeys/${encodeURIComponent(id)}`, { passkey })
        ),
    add: async (name: string) => {
        const wanted = await api.request<
            { challenge: string; place: string; userId: string; userName: string; exclude: string[] }
        >("POST", "/api/me/passkeys/creation");
        const made = await ask(() =>
            navigator.credentials.create({
                publicKey: {
                    challenge: decode(wanted.challenge),
                    rp: { id: wanted.place, name: "SSH Copilot" },
                    user: { id: decode(wanted.userId), name: wanted.userName, displayName: wanted.userName },
                    pubKeyCredParams: [{ type: "public-key", alg: -7 }, { type: "public-key", alg: -8 }],
                    excludeCredentials: wanted.exclude.map((id) => ({ type: "public-key", id: decode(id) })),
                    authenticatorSelection: { userVerification: "preferred" },
                    attestation: "none",
                    timeout: 110_000,
                },
            })
        );
        const response = made.response as MadePasskey;
        const key = response.getPublicKey();
        if (!key) throw new ApiError(-1, "passkey_kind", "This authenticator's key can't be read.", "Use another.");
        const body = {
            name,
            clientDataJSON: encode(response.clientDataJSON),
            authenticatorData: encode(response.getAuthenticatorData()),
            publicKey: encode(key),
        };
        return await withPasskey((passkey) =>
            api.request<{ passkey: Passkey }>("POST", "/api/me/passkeys", { ...body, passkey })
        );
    },
};
