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

    /// The sizes of RSA keys that are accepted, in bits. Smaller ones can be broken; larger ones cost the verifier
    /// seconds.
    public static let allowedRSABits = 2048...8192

    /// Reads a key blob (RFC 4253 §6.6), as it comes in a key exchange reply or in the base64 of a `.pub` file.
    ///
    /// Throws `malformed` for trailing bytes, wrong lengths, a point off the curve, a curve that is not the one of the
    /// key's type; `unsupported` for other key types and for RSA keys outside of ``allowedRSABits``.
    public init(wire blob: [UInt8]) throws(SSHKeyError) {
        var reader = WireReader(blob)
        let type = try reader.utf8String()
        switch type {
        case "ssh-ed25519":
            self = .ed25519(try reader.string())
        case "ssh-rsa":
            let exponent = try reader.mpint()
            self = .rsa(modulus: try reader.mpint(), exponent: exponent)
        default:
            guard let curve = ECDSACurve(algorithm: type) else {
                throw .unsupported("The key type “\(Printable.text(type))”")
            }
            guard try reader.string() == Array(curve.rawValue.utf8) else {
                throw .malformed("the curve inside an ECDSA key is not the one of its type")
            }
            self = .ecdsa(curve: curve, point: try reader.string())
        }
        try reader.expectEnd(of: "a public key")
        try validate()
    }

    /// The key blob: what is hashed for fingerprints and into the exchange hash.
    public var blob: [UInt8] {
        var writer = WireWriter()
        writer.writeString(algorithm)
        switch self {
        case .ed25519(let key):
            writer.writeString(key)
        case .ecdsa(let curve, let point):
            writer.writeString(curve.rawValue)
            writer.writeString(point)
        case .rsa(let modulus, let exponent):
            writer.writeMPInt(exponent)
            writer.writeMPInt(modulus)
        }
        return writer.bytes
    }

    /// The key type as the blob names it: "ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa".
    public var algorithm: String {
        switch self {
        case .ed25519: "ssh-ed25519"
        case .ecdsa(let curve, _): curve.algorithm
        case .rsa: "ssh-rsa"
        }
    }

    /// The signature algorithms that this key may use, best first. RSA with SHA-1 ("ssh-rsa") is none of them (RFC
    /// 8332).
    public var signatureAlgorithms: [String] {
        if case .rsa = self { return ["rsa-sha2-512", "rsa-sha2-256"] }
        return [algorithm]
    }

    /// The size as `ssh-keygen -l` gives it, in bits.
    public var bits: Int {
        switch self {
        case .ed25519: 256
        case .ecdsa(let curve, _): curve.bits
        case .rsa(let modulus, _): Self.bitLength(modulus)
        }
    }

    /// The short name that `ssh-keygen -l` gives: "ED25519", "ECDSA", "RSA".
    public var typeName: String {
        switch self {
        case .ed25519: "ED25519"
        case .ecdsa: "ECDSA"
        case .rsa: "RSA"
        }
    }

    /// Whether `signature` is this key's over `data`.
    ///
    /// - Parameters:
    ///   - blob: a whole signature blob: a string with the algorithm, a string with the signature (RFC 4253 §6.6).
    ///   - data: what was signed.
    ///   - algorithm: the one that was agreed on; the blob must name it too.
    /// - Returns: false if the signature is well made and another's.
    ///
    /// Throws `algorithmMismatch` if the blob, the key and `algorithm` do not belong together, `malformed` if the
    /// signature breaks its format (RFC 5656 §3.1.2, RFC 8332 §3, RFC 8709 §6).
    public func verify(
        signature blob: [UInt8], over data: [UInt8], algorithm: String
    ) throws(SSHKeyError) -> Bool {
        guard signatureAlgorithms.contains(algorithm) else {
            throw .algorithmMismatch("A key of type \(self.algorithm) cannot sign with \(Printable.text(algorithm)).")
        }
        var reader = WireReader(blob)
        let named = try reader.utf8String()
        guard named == algorithm else {
            throw .algorithmMismatch(
                "A signature was made with \(Printable.text(named)) where \(algorithm) was agreed on.")
        }
        let signature = try reader.string()
        try reader.expectEnd(of: "a signature")
        return try SignatureVerification(key: self, algorithm: algorithm).isValid(signature, over: data)
    }

    /// Throws unless the parts make a key of this type.
    func validate() throws(SSHKeyError) {
        switch self {
        case .ed25519(let key):
            guard key.count == 32 else { throw .malformed("an Ed25519 key has \(key.count) bytes instead of 32") }
        case .ecdsa(let curve, let point):
            guard point.first == 0x04, point.count == 1 + 2 * curve.coordinateLength else {
                throw .malformed("an ECDSA key is not an uncompressed point of \(curve.rawValue)")
            }
            guard SignatureVerification.isPoint(point, of: curve) else {
                throw .malformed("an ECDSA key is not a point of \(curve.rawValue)")
            }
        case .rsa(let modulus, let exponent):
            try Self.validateRSA(modulus: modulus, exponent: exponent)
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
