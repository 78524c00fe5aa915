/// A message authentication code; the raw value is its name on the wire (RFC 6668, and OpenSSH's PROTOCOL §1.1 for
/// EtM).
public enum MACName: String, CaseIterable, Sendable, Hashable {
    case hmacSHA256EtM = "hmac-sha2-256-etm@openssh.com"
    case hmacSHA512EtM = "hmac-sha2-512-etm@openssh.com"
    case hmacSHA256 = "hmac-sha2-256"
    case hmacSHA512 = "hmac-sha2-512"
    /// Legacy (RFC 4253 §6.4).
    case hmacSHA1EtM = "hmac-sha1-etm@openssh.com"
    /// Legacy.
    case hmacSHA1 = "hmac-sha1"

    /// What is offered where nobody says otherwise: everything but the legacy ones, best first.
    public static let standard = allCases.filter { !$0.isLegacy }

    /// Whether the MAC is too old to be offered unless a configuration names it.
    public var isLegacy: Bool { self == .hmacSHA1 || self == .hmacSHA1EtM }

    /// Bytes of key to derive with the letters E and F (RFC 4253 §7.2).
    public var keyLength: Int { tagLength }

    /// Bytes of tag after each packet.
    public var tagLength: Int {
        switch self {
        case .hmacSHA256, .hmacSHA256EtM: 32
        case .hmacSHA512, .hmacSHA512EtM: 64
        case .hmacSHA1, .hmacSHA1EtM: 20
        }
    }

    /// Whether the tag covers the encrypted packet, so that it is checked before anything is decrypted, and the
    /// packet's length travels in clear.
    public var isEncryptThenMAC: Bool {
        switch self {
        case .hmacSHA256EtM, .hmacSHA512EtM, .hmacSHA1EtM: true
        case .hmacSHA256, .hmacSHA512, .hmacSHA1: false
        }
    }
}
