/// A cipher for packets; the raw value is its name on the wire (RFC 4253 §6.3).
public enum CipherName: String, CaseIterable, Sendable, Hashable {
    /// AES-128-GCM (RFC 5647, under OpenSSH's name that leaves the MAC negotiation alone).
    case aes128GCM = "aes128-gcm@openssh.com"
    /// AES-256-GCM.
    case aes256GCM = "aes256-gcm@openssh.com"
    /// ChaCha20 and Poly1305 with an encrypted length (OpenSSH's PROTOCOL.chacha20poly1305).
    case chacha20Poly1305 = "chacha20-poly1305@openssh.com"
    /// AES-128 in counter mode (RFC 4344 §4); needs a MAC.
    case aes128CTR = "aes128-ctr"
    /// AES-192 in counter mode; needs a MAC.
    case aes192CTR = "aes192-ctr"
    /// AES-256 in counter mode; needs a MAC.
    case aes256CTR = "aes256-ctr"

    /// AES-128 in cipher block chaining mode (RFC 4253 §6.3); needs a MAC; legacy.
    case aes128CBC = "aes128-cbc"
    /// AES-192 in cipher block chaining mode; needs a MAC; legacy.
    case aes192CBC = "aes192-cbc"
    /// AES-256 in cipher block chaining mode; needs a MAC; legacy.
    case aes256CBC = "aes256-cbc"
    /// Triple DES in cipher block chaining mode; needs a MAC; legacy.
    case tripleDESCBC = "3des-cbc"

    /// What is offered where nobody says otherwise: everything but the legacy ciphers, best first.
    public static let standard = allCases.filter { !$0.isLegacy }

    /// Whether the cipher is too weak to be offered unless a configuration names it. An attacker can make use of how
    /// CBC chains packets (RFC 4251 §9.3.1) and of what a peer does with a damaged length (CVE-2008-5161).
    public var isLegacy: Bool {
        switch self {
        case .aes128GCM, .aes256GCM, .chacha20Poly1305, .aes128CTR, .aes192CTR, .aes256CTR: false
        case .aes128CBC, .aes192CBC, .aes256CBC, .tripleDESCBC: true
        }
    }

    /// Bytes of key to derive with the letters C and D (RFC 4253 §7.2).
    public var keyLength: Int {
        switch self {
        case .aes128GCM, .aes128CTR, .aes128CBC: 16
        case .aes192CTR, .aes192CBC, .tripleDESCBC: 24
        case .aes256GCM, .aes256CTR, .aes256CBC: 32
        case .chacha20Poly1305: 64
        }
    }

    /// Bytes of initial vector to derive with the letters A and B; 0 where the sequence number is the nonce.
    public var ivLength: Int {
        switch self {
        case .aes128GCM, .aes256GCM: 12
        case .aes128CTR, .aes192CTR, .aes256CTR, .aes128CBC, .aes192CBC, .aes256CBC: 16
        case .tripleDESCBC: 8
        case .chacha20Poly1305: 0
        }
    }

    /// What a packet's encrypted part is padded to a multiple of, in bytes.
    public var blockSize: Int { self == .chacha20Poly1305 || self == .tripleDESCBC ? 8 : 16 }

    /// Whether the cipher authenticates too, so that no MAC is negotiated beside it.
    public var isAEAD: Bool {
        switch self {
        case .aes128GCM, .aes256GCM, .chacha20Poly1305: true
        case .aes128CTR, .aes192CTR, .aes256CTR, .aes128CBC, .aes192CBC, .aes256CBC, .tripleDESCBC: false
        }
    }

    /// Bytes of tag after each packet of an AEAD cipher; 0 for the others, whose tag is the MAC's.
    public var tagLength: Int { isAEAD ? 16 : 0 }
}
