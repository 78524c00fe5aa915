import Crypto
import Foundation

/// Time-based one-time passwords (RFC 6238) over HMAC-based ones (RFC 4226).
public struct OneTimeCode: Sendable {
    /// The hash below the HMAC. Authenticator apps know SHA-1 for sure; its weakness is none inside of an HMAC.
    public enum Hash: Sendable {
        case sha1, sha256, sha512
    }

    /// Seconds of a step (RFC 6238 §5.2).
    public static let period: Int64 = 30

    private let key: SymmetricKey
    private let hash: Hash
    private let digits: Int

    /// - Parameters:
    ///   - secret: what the person's app and this program share; 20 bytes are made for new ones (RFC 4226 §4).
    ///   - digits: 6 to 8.
    public init(secret: [UInt8], hash: Hash = .sha1, digits: Int = 6) {
        key = SymmetricKey(data: secret)
        self.hash = hash
        self.digits = min(max(digits, 6), 8)
    }

    /// The step that a time is in.
    public static func step(at seconds: Int64) -> Int64 { seconds / period }

    /// The code of a step, with leading zeros (RFC 4226 §5.3).
    public func code(step: Int64) -> String {
        let counter = withUnsafeBytes(of: step.bigEndian) { Data($0) }
        let mac: [UInt8] =
            switch hash {
            case .sha1: Array(HMAC<Insecure.SHA1>.authenticationCode(for: counter, using: key))
            case .sha256: Array(HMAC<SHA256>.authenticationCode(for: counter, using: key))
            case .sha512: Array(HMAC<SHA512>.authenticationCode(for: counter, using: key))
            }
        let offset = Int((mac.last ?? 0) & 0xF)
        let value = mac.dropFirst(offset).prefix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) } & 0x7FFF_FFFF
        let modulus = (0..<digits).reduce(UInt32(1)) { number, _ in number * 10 }
        let text = String(value % modulus)
        return String(repeating: "0", count: digits - text.count) + text
    }

    /// The step whose code this is: the one of the time, or a neighbour, for a clock that is half a minute off
    /// (RFC 6238 §5.2). A step up to `used` is none any more. Every candidate is compared, in the same time.
    public func step(of code: String, at seconds: Int64, after used: Int64) -> Int64? {
        let now = Self.step(at: seconds)
        var found: Int64?
        for step in [now - 1, now, now + 1] {
            let isSame = Self.isSame(self.code(step: step), code)
            if isSame, step > used, found == nil { found = step }
        }
        return found
    }

    private static func isSame(_ a: String, _ b: String) -> Bool {
        let (a, b) = (Array(a.utf8), Array(b.utf8))
        guard a.count == b.count else { return false }
        return zip(a, b).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }
}

/// Base 32 as authenticator apps read it (RFC 4648 §6), without padding.
enum Base32 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".utf8)

    static func text(_ bytes: [UInt8]) -> String {
        var result: [UInt8] = []
        var (buffer, bits) = (UInt32(0), 0)
        for byte in bytes {
            buffer = buffer << 8 | UInt32(byte)
            bits += 8
            while bits >= 5 {
                bits -= 5
                result.append(alphabet[Int(buffer >> UInt32(bits) & 0x1F)])
            }
            buffer &= (1 << UInt32(bits)) - 1
        }
        if bits > 0 { result.append(alphabet[Int(buffer << UInt32(5 - bits) & 0x1F)]) }
        return String(decoding: result, as: UTF8.self)
    }
}
