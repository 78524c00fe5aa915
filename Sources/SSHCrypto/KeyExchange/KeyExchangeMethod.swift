/// A key exchange of the ECDH kind: one share each way and a hash. The raw value is the name on the wire.
public enum KeyExchangeMethod: String, CaseIterable, Sendable, Hashable {
    /// ML-KEM-768 and X25519 together (draft-ietf-sshm-mlkem-hybrid-kex): safe if either of the two is.
    case mlkem768x25519 = "mlkem768x25519-sha256"
    /// X25519 (RFC 8731).
    case curve25519 = "curve25519-sha256"
    /// X25519 under the name that it had before RFC 8731.
    case curve25519LibSSH = "curve25519-sha256@libssh.org"
    /// ECDH on NIST P-256 (RFC 5656 §4).
    case ecdhP256 = "ecdh-sha2-nistp256"
    /// ECDH on NIST P-384.
    case ecdhP384 = "ecdh-sha2-nistp384"
    /// ECDH on NIST P-521.
    case ecdhP521 = "ecdh-sha2-nistp521"

    /// The hash for H and for key derivation.
    public var hash: ExchangeHash {
        switch self {
        case .mlkem768x25519, .curve25519, .curve25519LibSSH, .ecdhP256: .sha256
        case .ecdhP384: .sha384
        case .ecdhP521: .sha512
        }
    }

    /// Bytes of the share that a client sends.
    public var clientShareLength: Int {
        switch self {
        case .mlkem768x25519: HybridShare.publicKeyLength + HybridShare.curveLength
        case .curve25519, .curve25519LibSSH: 32
        case .ecdhP256: 65
        case .ecdhP384: 97
        case .ecdhP521: 133
        }
    }

    /// Bytes of the share that a server answers with.
    public var serverShareLength: Int {
        self == .mlkem768x25519 ? HybridShare.ciphertextLength + HybridShare.curveLength : clientShareLength
    }
}

/// Sizes of the hybrid method's parts (FIPS 203 table 3, RFC 7748 §6.1).
enum HybridShare {
    static let publicKeyLength = 1184
    static let ciphertextLength = 1088
    static let curveLength = 32
}
