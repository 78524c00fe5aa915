/// A message authentication code; the raw value is its name on the wire (RFC 6668, and OpenSSH's PROTOCOL §1.1 for
/// EtM).
public enum MACName: String, CaseIterable, Sendable, Hashable {
    case hmacSHA256EtM = "hmac-sha2-256-etm@openssh.com"
    case hmacSHA512EtM = "hmac-sha2-512-etm@openssh.com"
    case hmacSHA256 = "hmac-sha2-256"
    case hmacSHA512 = "hmac-sha2-512"

    /// Bytes of key to derive with the letters E and F (RFC 4253 §7.2).
    public var keyLength: Int { tagLength }

    /// Bytes of tag after each packet.
    public var tagLength: Int {
        switch self {
        case .hmacSHA256, .hmacSHA256EtM: 32
        case .hmacSHA512, .hmacSHA512EtM: 64
        }
    }

    /// Whether the tag covers the encrypted packet, so that it is checked before anything is decrypted, and the
    /// packet's length travels in clear.
    public var isEncryptThenMAC: Bool {
        switch self {
        case .hmacSHA256EtM, .hmacSHA512EtM: true
        case .hmacSHA256, .hmacSHA512: false
        }
    }
}
