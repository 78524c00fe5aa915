import Crypto
import CryptoExtras

/// A public key: of a host, or of a person.
///
/// The initialisers that read check everything; a value that is put together by hand from its case is checked when it
/// is used, and then throws.
public enum SSHPublicKey: Sendable, Hashable {
    /// Ed25519 (RFC 8709), 32 bytes.
    case ed25519([UInt8])
    /// ECDSA (RFC 5656 §3.1): the curve and an uncompressed point (0x04, x, y).
    case ecdsa(curve: ECDSACurve, point: [UInt8])
    /// RSA (RFC 4253 §6.6): modulus and public exponent as big-endian numbers without leading zeros.
    case rsa(modulus: [UInt8], exponent: [UInt8])
    /// Ed25519 on a FIDO token (OpenSSH's PROTOCOL.u2f): 32 bytes, and the application the token made it for, "ssh:".
    case skEd25519(key: [UInt8], application: String)
    /// ECDSA on P-256 on a FIDO token: an uncompressed point and the application.
    case skECDSA(point: [UInt8], application: String)

    /// The sizes of RSA keys that are accepted, in bits. Smaller ones can be broken; larger ones cost the verifier
    /// seconds.
    public static let allowedRSABits = 2048...8192

    /// Reads a key blob (RFC 4253 §6.6), as it comes in a key exchange reply or in the base64 of a `.pub` file.
    ///
    /// Throws `malformed` for trailing bytes, wrong lengths, a point off the curve, a curve that is not the one of the
    /// key's type; `unsupported` for other key types and for RSA keys outside of ``allowedRSABits``.
    public init(wire blob: [UInt8]) throws(SSHKeyError) {
        var reader = WireReader(blob)
        try self.init(type: try reader.utf8String(), fields: &reader)
        try reader.expectEnd(of: "a public key")
        try validate()
    }

    /// Reads the numbers that follow the type: in a key, and after the nonce of a certificate.
    init(type: String, fields reader: inout WireReader) throws(SSHKeyError) {
        switch type {
        case "ssh-ed25519":
            self = .ed25519(try reader.string())
        case "ssh-rsa":
            let exponent = try reader.mpint()
            self = .rsa(modulus: try reader.mpint(), exponent: exponent)
        case Self.skEd25519Type:
            let key = try reader.string()
            self = .skEd25519(key: key, application: try reader.utf8String())
        case Self.skECDSAType:
            let point = try Self.point(of: .p256, from: &reader)
            self = .skECDSA(point: point, application: try reader.utf8String())
        default:
            guard let curve = ECDSACurve(algorithm: type) else {
                throw .unsupported("The key type “\(Printable.text(type))”")
            }
            self = .ecdsa(curve: curve, point: try Self.point(of: curve, from: &reader))
        }
    }

    private static func point(
        of curve: ECDSACurve, from reader: inout WireReader
    ) throws(SSHKeyError) -> [UInt8] {
        guard try reader.string() == Array(curve.rawValue.utf8) else {
            throw .malformed("the curve inside an ECDSA key is not the one of its type")
        }
        return try reader.string()
    }

    /// The longest application name of a FIDO key, in bytes. "ssh:" and a few letters are usual.
    static let maximumApplicationLength = 1024
    static let skEd25519Type = "sk-ssh-ed25519@openssh.com"
    static let skECDSAType = "sk-ecdsa-sha2-nistp256@openssh.com"

    /// The key blob: what is hashed for fingerprints and into the exchange hash.
    public var blob: [UInt8] {
        var writer = WireWriter()
        writer.writeString(algorithm)
        writeFields(into: &writer)
        return writer.bytes
    }

    /// What follows the type: in a key, and after the nonce of a certificate.
    func writeFields(into writer: inout WireWriter) {
        switch self {
        case .ed25519(let key):
            writer.writeString(key)
        case .ecdsa(let curve, let point):
            writer.writeString(curve.rawValue)
            writer.writeString(point)
        case .rsa(let modulus, let exponent):
            writer.writeMPInt(exponent)
            writer.writeMPInt(modulus)
        case .skEd25519(let key, let application):
            writer.writeString(key)
            writer.writeString(application)
        case .skECDSA(let point, let application):
            writer.writeString(ECDSACurve.p256.rawValue)
            writer.writeString(point)
            writer.writeString(application)
        }
    }

    /// The key type as the blob names it: "ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa".
    public var algorithm: String {
        switch self {
        case .ed25519: "ssh-ed25519"
        case .ecdsa(let curve, _): curve.algorithm
        case .rsa: "ssh-rsa"
        case .skEd25519: Self.skEd25519Type
        case .skECDSA: Self.skECDSAType
        }
    }

    /// The signature algorithms that this key may use, best first. RSA with SHA-1 ("ssh-rsa") is none of them (RFC
    /// 8332).
    public var signatureAlgorithms: [String] {
        if case .rsa = self { return ["rsa-sha2-512", "rsa-sha2-256"] }
        return [algorithm]
    }

    /// The signature algorithms that only a configuration for old machines may name: "ssh-rsa", RSA with SHA-1.
    public var legacySignatureAlgorithms: [String] {
        if case .rsa = self { return ["ssh-rsa"] }
        return []
    }

    /// Whether the private key lives in a FIDO token, so that signatures tell of touch and PIN.
    public var isHardwareKey: Bool {
        switch self {
        case .skEd25519, .skECDSA: true
        case .ed25519, .ecdsa, .rsa: false
        }
    }

    /// The size as `ssh-keygen -l` gives it, in bits.
    public var bits: Int {
        switch self {
        case .ed25519, .skEd25519, .skECDSA: 256
        case .ecdsa(let curve, _): curve.bits
        case .rsa(let modulus, _): Self.bitLength(modulus)
        }
    }

    /// The short name that `ssh-keygen -l` gives: "ED25519", "ECDSA", "RSA", "ED25519-SK", "ECDSA-SK".
    public var typeName: String {
        switch self {
        case .ed25519: "ED25519"
        case .ecdsa: "ECDSA"
        case .rsa: "RSA"
        case .skEd25519: "ED25519-SK"
        case .skECDSA: "ECDSA-SK"
        }
    }

    /// Throws unless the parts make a key of this type.
    func validate() throws(SSHKeyError) {
        switch self {
        case .ed25519(let key):
            try Self.validateEd25519(key)
        case .ecdsa(let curve, let point):
            try Self.validatePoint(point, of: curve)
        case .rsa(let modulus, let exponent):
            try Self.validateRSA(modulus: modulus, exponent: exponent)
        case .skEd25519(let key, let application):
            try Self.validateEd25519(key)
            try Self.validateApplication(application)
        case .skECDSA(let point, let application):
            try Self.validatePoint(point, of: .p256)
            try Self.validateApplication(application)
        }
    }

    private static func validateEd25519(_ key: [UInt8]) throws(SSHKeyError) {
        guard key.count == 32 else { throw .malformed("an Ed25519 key has \(key.count) bytes instead of 32") }
    }

    /// ASCII alone: two spellings of one Unicode text would compare equal and yet be two keys.
    private static func validateApplication(_ application: String) throws(SSHKeyError) {
        guard application.utf8.count <= maximumApplicationLength,
            application.utf8.allSatisfy({ (0x20...0x7e).contains($0) })
        else { throw .malformed("the application of a hardware key is no printable ASCII, or too long") }
    }

    private static func validatePoint(_ point: [UInt8], of curve: ECDSACurve) throws(SSHKeyError) {
        guard point.first == 0x04, point.count == 1 + 2 * curve.coordinateLength else {
            throw .malformed("an ECDSA key is not an uncompressed point of \(curve.rawValue)")
        }
        guard SignatureVerification.isPoint(point, of: curve) else {
            throw .malformed("an ECDSA key is not a point of \(curve.rawValue)")
        }
    }

    /// Checked before any arithmetic: a verifier's work grows with the square of the modulus and with the exponent.
    static func validateRSA(modulus: [UInt8], exponent: [UInt8]) throws(SSHKeyError) {
        let bits = bitLength(modulus)
        guard allowedRSABits.contains(bits) else {
            throw .unsupported(
                "An RSA key of \(bits) bits",
                hint: "Use an RSA key of 2048 to 8192 bits or, better, Ed25519: ssh-keygen -t ed25519")
        }
        guard modulus.last.map({ $0 & 1 == 1 }) == true else { throw .malformed("an RSA modulus is even") }
        guard let last = exponent.last, last & 1 == 1, exponent != [1], bitLength(exponent) <= 33 else {
            throw .malformed("an RSA exponent is even, 1, or longer than 33 bits")
        }
    }

    static func bitLength(_ magnitude: [UInt8]) -> Int {
        let significant = magnitude.drop { $0 == 0 }
        guard let first = significant.first else { return 0 }
        return significant.count * 8 - first.leadingZeroBitCount
    }
}
