/// Why a key, a signature or a field of the SSH wire format could not be read or used.
public struct SSHKeyError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What went wrong, stable for machines.
    public enum Code: String, Sendable, Hashable {
        /// The key file is encrypted and no passphrase was given.
        case passphraseRequired = "passphrase_required"
        /// The passphrase does not open the key file.
        case wrongPassphrase = "wrong_passphrase"
        /// The file is something else: a public key, a certificate, other text.
        case notAPrivateKey = "not_a_private_key"
        /// The bytes break their format: cut off, changed, or made by a broken program.
        case malformed
        /// A format, key type or size that is known and not supported.
        case unsupported
        /// A signature was made with another algorithm than the one agreed on.
        case algorithmMismatch = "algorithm_mismatch"
        /// A certificate is outside of the time it is valid for: not yet, or no more.
        case certificateNotYetValid = "certificate_not_yet_valid"
        case certificateExpired = "certificate_expired"
        /// A user certificate where a host's is needed, or the other way round.
        case certificateWrongType = "certificate_wrong_type"
        /// A certificate is not made out to this user or host name.
        case certificatePrincipal = "certificate_principal"
        /// A certificate holds a critical option that is unknown, or whose value makes no sense.
        case certificateCriticalOption = "certificate_critical_option"
        /// The certificate authority, or the algorithm that it signed with, is not one that is trusted.
        case certificateUntrusted = "certificate_untrusted"
        /// A key or a certificate may not be used from this address.
        case addressNotAllowed = "address_not_allowed"
        /// A key, a certificate or its authority was revoked.
        case revoked
        /// A signature of a hardware key lacks the touch or the PIN that is asked for.
        case presenceRequired = "presence_required"
        /// A file could not be read or written.
        case fileFailure = "file_failure"
        /// The cryptographic library refused to work.
        case internalFailure = "internal_failure"
    }

    public let code: Code
    /// One sentence for people: what happened and why. It never contains secret parts of a key.
    public let description: String
    /// What to do about it.
    public let hint: String

    public init(_ code: Code, _ description: String, hint: String) {
        self.code = code
        self.description = description
        self.hint = hint
    }
}

extension SSHKeyError {
    /// The file is encrypted and no passphrase was given.
    public static let passphraseRequired = SSHKeyError(
        .passphraseRequired, "This private key is protected by a passphrase, and none was given.",
        hint: "Enter the passphrase that was chosen when the key was made.")

    /// The passphrase does not open the file.
    public static let wrongPassphrase = SSHKeyError(
        .wrongPassphrase, "The passphrase does not open this private key.",
        hint: "Check the passphrase, and that it belongs to this very key file.")

    /// The file is no private key. `found` says what it is: "a public key", "empty".
    public static func notAPrivateKey(_ found: String) -> SSHKeyError {
        SSHKeyError(
            .notAPrivateKey, "This is not a private key: it is \(found).",
            hint: "Choose the file without .pub that begins with a line like “-----BEGIN OPENSSH PRIVATE KEY-----”.")
    }

    /// The bytes break their format. `reason` completes "… is damaged: ".
    public static func malformed(_ reason: String) -> SSHKeyError {
        SSHKeyError(
            .malformed, "The data is damaged or incomplete: \(reason).",
            hint: "Copy it again from its source, whole and unchanged.")
    }

    /// Something known that is not supported.
    public static func unsupported(
        _ what: String, hint: String = "Make an Ed25519 key with: ssh-keygen -t ed25519"
    ) -> SSHKeyError {
        SSHKeyError(.unsupported, "\(what) is not supported.", hint: hint)
    }

    static func algorithmMismatch(_ description: String) -> SSHKeyError {
        SSHKeyError(
            .algorithmMismatch, description,
            hint: "The other side does not keep to what was agreed; do not trust this connection.")
    }

    static func internalFailure(_ description: String) -> SSHKeyError {
        SSHKeyError(
            .internalFailure, description, hint: "Try again; if it stays, report it with the key's type and size.")
    }

    /// A private key file that only points at a FIDO token.
    static let hardwareKey = SSHKeyError(
        .unsupported,
        "This file belongs to a hardware key: the key itself is in the token, and only the SSH agent can ask it.",
        hint: "Add it to your agent with: ssh-add KEY, and use the agent instead of the file.")

    /// A certificate that must not be used. `description` says why in one sentence.
    static func refused(_ code: Code, _ description: String) -> SSHKeyError {
        let hint =
            switch code {
            case .certificateNotYetValid: "Compare the clocks of the two machines, or wait."
            case .certificateExpired: "Ask the certificate authority for a new certificate; compare the clocks too."
            case .certificateWrongType: "Sign it anew: ssh-keygen -s CA -h for a host, without -h for a user."
            case .certificatePrincipal: "Sign it anew for this name: ssh-keygen -s CA -I ID -n NAME KEY.pub"
            case .certificateCriticalOption: "Sign it anew without this option, or update this program."
            case .certificateUntrusted:
                "Have it signed by a trusted authority, with SHA-2: ssh-keygen -t rsa-sha2-512 -s CA …"
            case .addressNotAllowed: "Connect from an address that the key or the certificate allows."
            case .revoked: "Use another key; ask who keeps the revocation list why this one is on it."
            case .presenceRequired: "Touch the hardware key, or enter its PIN, when it blinks."
            default: "Ask the certificate authority for a new certificate."
            }
        return SSHKeyError(code, description, hint: hint)
    }
}
