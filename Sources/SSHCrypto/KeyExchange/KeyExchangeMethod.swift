/// A key exchange: one share each way and a hash. The raw value is the name on the wire.
///
/// The order of the cases is the order of preference.
public enum KeyExchangeMethod: String, CaseIterable, Sendable, Hashable {
    /// ML-KEM-768 and X25519 together (draft-ietf-sshm-mlkem-hybrid-kex): safe if either of the two is.
    case mlkem768x25519 = "mlkem768x25519-sha256"
    /// Streamlined NTRU Prime and X25519 together (draft-ietf-sshm-ntruprime-ssh).
    case sntrup761x25519 = "sntrup761x25519-sha512"
    /// The same under the name that OpenSSH gave it in 2020.
    case sntrup761x25519OpenSSH = "sntrup761x25519-sha512@openssh.com"
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
    /// Diffie-Hellman on the 4096 bit group of RFC 3526 (RFC 8268).
    case dhGroup16SHA512 = "diffie-hellman-group16-sha512"
    /// Diffie-Hellman on the 8192 bit group (RFC 8268).
    case dhGroup18SHA512 = "diffie-hellman-group18-sha512"
    /// Diffie-Hellman on a group that the server chooses (RFC 4419).
    case dhGroupExchangeSHA256 = "diffie-hellman-group-exchange-sha256"
    /// Diffie-Hellman on the 2048 bit group (RFC 8268).
    case dhGroup14SHA256 = "diffie-hellman-group14-sha256"
    /// The 2048 bit group with SHA-1 (RFC 4253 §8.2); legacy.
    case dhGroup14SHA1 = "diffie-hellman-group14-sha1"
    /// A group of the server's choice with SHA-1 (RFC 4419); legacy.
    case dhGroupExchangeSHA1 = "diffie-hellman-group-exchange-sha1"
    /// The 1024 bit group with SHA-1 (RFC 4253 §8.1); legacy.
    case dhGroup1SHA1 = "diffie-hellman-group1-sha1"

    /// What is offered where nobody says otherwise: everything but the legacy methods and group exchange, whose
    /// groups nobody can vouch for and which costs a round trip more.
    public static let standard = allCases.filter { !$0.isLegacy && !$0.isGroupExchange }

    /// Whether the method is too weak to be offered unless a configuration names it, for the sake of an old peer.
    public var isLegacy: Bool { hash == .sha1 }

    /// Whether the server chooses the group, so that a request and a group come before the shares (RFC 4419 §3).
    public var isGroupExchange: Bool { self == .dhGroupExchangeSHA256 || self == .dhGroupExchangeSHA1 }

    /// The hash for H and for key derivation.
    public var hash: ExchangeHash {
        switch self {
        case .mlkem768x25519, .curve25519, .curve25519LibSSH, .ecdhP256, .dhGroup14SHA256, .dhGroupExchangeSHA256:
            .sha256
        case .ecdhP384: .sha384
        case .sntrup761x25519, .sntrup761x25519OpenSSH, .ecdhP521, .dhGroup16SHA512, .dhGroup18SHA512: .sha512
        case .dhGroup14SHA1, .dhGroupExchangeSHA1, .dhGroup1SHA1: .sha1
        }
    }

    /// Bytes of the share that a client sends; nil where it is a number of varying length, the content of an mpint.
    public var clientShareLength: Int? { arithmetic.shareLengths?.client }

    /// Bytes of the share that a server answers with; nil as for ``clientShareLength``.
    public var serverShareLength: Int? { arithmetic.shareLengths?.server }

    /// The arithmetic behind a method.
    enum Arithmetic {
        case curve(CurveDiffieHellman.Curve)
        /// A lattice and X25519 side by side.
        case hybrid(LatticeAlgorithm)
        /// nil where the server chooses the group.
        case prime(DHGroup?)

        /// Bytes of the two shares (RFC 7748 §6.1, SEC 1 §2.3.3).
        var shareLengths: (client: Int, server: Int)? {
            switch self {
            case .curve(.x25519): (32, 32)
            case .curve(.p256): (65, 65)
            case .curve(.p384): (97, 97)
            case .curve(.p521): (133, 133)
            case .hybrid(let lattice): (lattice.publicKeyLength + 32, lattice.ciphertextLength + 32)
            case .prime: nil
            }
        }
    }

    var arithmetic: Arithmetic {
        switch self {
        case .mlkem768x25519: .hybrid(.mlkem768)
        case .sntrup761x25519, .sntrup761x25519OpenSSH: .hybrid(.sntrup761)
        case .curve25519, .curve25519LibSSH: .curve(.x25519)
        case .ecdhP256: .curve(.p256)
        case .ecdhP384: .curve(.p384)
        case .ecdhP521: .curve(.p521)
        case .dhGroup14SHA256, .dhGroup14SHA1: .prime(.group14)
        case .dhGroup16SHA512: .prime(.group16)
        case .dhGroup18SHA512: .prime(.group18)
        case .dhGroup1SHA1: .prime(.group1)
        case .dhGroupExchangeSHA256, .dhGroupExchangeSHA1: .prime(nil)
        }
    }
}
