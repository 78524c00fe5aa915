/// Why a cryptographic operation could not be done.
///
/// A peer's fault (`invalidPeerShare`, `macMismatch`, `invalidLength`, `invalidCompression`) ends the connection; the others are ours.
public struct SSHCryptoError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What went wrong, stable for machines.
    public enum Code: String, Sendable, Hashable {
        /// The peer's key exchange share has the wrong length, is no point of the curve, or leads to a zero secret.
        case invalidPeerShare
        /// A packet's authentication tag does not belong to it. The same error for every cipher, MAC and position.
        case macMismatch
        /// A packet, padding or key length that the protocol or the caller's limit does not allow.
        case invalidLength
        /// A combination of algorithms that does not exist, such as AES-CTR without a MAC.
        case unsupported
        /// A compressed payload that is damaged, ends, is empty or grows beyond the limit.
        case invalidCompression
        /// An argument outside of its range, such as bcrypt rounds.
        case invalidParameter
        /// The cryptographic library refused to work.
        case internalFailure
    }

    public let code: Code
    /// One sentence for people: what happened. It never contains key material.
    public let description: String
    /// What to do about it.
    public let hint: String

    public init(_ code: Code, _ description: String, hint: String) {
        self.code = code
        self.description = description
        self.hint = hint
    }
}

extension SSHCryptoError {
    static func invalidPeerShare(_ description: String) -> SSHCryptoError {
        SSHCryptoError(
            .invalidPeerShare, description,
            hint: "The other side is broken or somebody changes its packets; do not trust this connection.")
    }

    static let shareLength = invalidPeerShare("The other side's key exchange share has the wrong length.")

    static func wrongGroup(_ method: KeyExchangeMethod) -> SSHCryptoError {
        SSHCryptoError(
            .unsupported, "\(method.rawValue) was started with a group where it has its own, or without one.",
            hint: "Give a group for group exchange, and for nothing else.")
    }

    static let macMismatch = SSHCryptoError(
        .macMismatch, "A packet failed its integrity check.",
        hint: "The data was damaged or changed on the way; connect again, and look at the network if it stays.")

    static func invalidLength(_ description: String) -> SSHCryptoError {
        SSHCryptoError(
            .invalidLength, description,
            hint: "The other side does not follow the SSH packet format; check that the port belongs to an SSH server.")
    }

    static func invalidCompression(_ description: String) -> SSHCryptoError {
        SSHCryptoError(
            .invalidCompression, description,
            hint: "The other side's compression is broken or hostile; connect again without compression.")
    }

    static func internalFailure(_ description: String) -> SSHCryptoError {
        SSHCryptoError(
            .internalFailure, description,
            hint: "Check that the system's OpenSSL 3 is complete and that its policy allows this algorithm.")
    }
}
