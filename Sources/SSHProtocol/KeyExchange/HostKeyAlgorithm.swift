/// The signature algorithms a host may prove its key with (RFC 4253 §6.6, RFC 5656, RFC 8332, RFC 8709), and the same
/// with a certificate (OpenSSH's PROTOCOL.certkeys).
public enum HostKeyAlgorithm: String, CaseIterable, Sendable, Hashable {
    case ed25519 = "ssh-ed25519"
    case ecdsaP256 = "ecdsa-sha2-nistp256"
    case ecdsaP384 = "ecdsa-sha2-nistp384"
    case ecdsaP521 = "ecdsa-sha2-nistp521"
    case rsaSHA512 = "rsa-sha2-512"
    case rsaSHA256 = "rsa-sha2-256"
    case ed25519Certificate = "ssh-ed25519-cert-v01@openssh.com"
    case ecdsaP256Certificate = "ecdsa-sha2-nistp256-cert-v01@openssh.com"
    case ecdsaP384Certificate = "ecdsa-sha2-nistp384-cert-v01@openssh.com"
    case ecdsaP521Certificate = "ecdsa-sha2-nistp521-cert-v01@openssh.com"
    case rsaSHA512Certificate = "rsa-sha2-512-cert-v01@openssh.com"
    case rsaSHA256Certificate = "rsa-sha2-256-cert-v01@openssh.com"
    /// RSA with SHA-1; legacy.
    case rsaSHA1 = "ssh-rsa"

    /// Those that prove a key alone and are sound, best first.
    public static let keys = allCases.filter { !$0.isCertificate && !$0.isLegacy }
    /// Those that prove a key with its certificate, best first. For a client that can check an authority.
    public static let certificates = allCases.filter(\.isCertificate)

    private static let certificateSuffix = "-cert-v01@openssh.com"

    public var isCertificate: Bool { rawValue.hasSuffix(Self.certificateSuffix) }

    /// Whether it is too weak to be used unless a configuration names it, for the sake of an old peer.
    public var isLegacy: Bool { self == .rsaSHA1 }

    /// The type that the blob of the key or certificate names: every RSA algorithm signs with an "ssh-rsa" key (RFC 8332
    /// §3).
    public var keyFormat: String {
        switch self {
        case .rsaSHA512, .rsaSHA256, .rsaSHA1: "ssh-rsa"
        case .rsaSHA512Certificate, .rsaSHA256Certificate: "ssh-rsa-cert-v01@openssh.com"
        default: rawValue
        }
    }

    /// What the signature names: a certificate's key signs as it would without one.
    public var signatureAlgorithm: String {
        isCertificate ? String(rawValue.dropLast(Self.certificateSuffix.count)) : rawValue
    }

    /// The format of the key itself, without certificate.
    var plainKeyFormat: String {
        isCertificate ? String(keyFormat.dropLast(Self.certificateSuffix.count)) : keyFormat
    }
}
