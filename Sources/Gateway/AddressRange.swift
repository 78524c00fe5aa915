import NIOCore

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// A range of IP addresses in CIDR form (RFC 4632, RFC 4291 §2.3): `10.0.0.0/8`, `fe80::/10`, or one address.
public struct AddressRange: Sendable, Hashable, CustomStringConvertible {
    /// The bytes of the range's first address in network order: 4 of IPv4 or 16 of IPv6.
    public let bytes: [UInt8]
    /// The number of leading bits that an address must share.
    public let prefixLength: Int

    public static let loopback = ["127.0.0.0/8", "::1"].compactMap(AddressRange.init)

    /// Nil when the text is not an address with an optional prefix length, or has bits set behind the prefix.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let address = Self.bytes(ofAddress: String(first)) else { return nil }
        var length = address.count * 8
        if parts.count == 2 {
            guard let given = Int(parts[1]), (0...length).contains(given) else { return nil }
            length = given
        }
        bytes = address
        prefixLength = length
        guard Self.masked(address, to: length) == address else { return nil }
    }

    public var isSingleAddress: Bool { prefixLength == bytes.count * 8 }

    /// Whether the whole of `other` lies in this range. An IPv4 address in its IPv6 form (::ffff:a.b.c.d) counts as IPv4.
    public func contains(_ other: AddressRange) -> Bool {
        guard other.bytes.count == bytes.count, other.prefixLength >= prefixLength else { return false }
        return Self.masked(other.bytes, to: prefixLength) == bytes
    }

    public func contains(_ address: SocketAddress) -> Bool {
        guard let text = address.ipAddress, let single = AddressRange(Self.withoutZone(text)) else { return false }
        return contains(single)
    }

    public var description: String {
        let address: String
        if bytes.count == 4 {
            address = bytes.map { String($0) }.joined(separator: ".")
        } else {
            let groups = stride(from: 0, to: bytes.count, by: 2).map { bytes[$0..<min($0 + 2, bytes.count)] }
            address = groups.map { String($0.reduce(0) { $0 << 8 | UInt16($1) }, radix: 16) }.joined(separator: ":")
        }
        return isSingleAddress ? address : "\(address)/\(prefixLength)"
    }

    private static func withoutZone(_ text: String) -> String {
        text.split(separator: "%", maxSplits: 1).first.map(String.init) ?? text
    }

    private static func bytes(ofAddress text: String) -> [UInt8]? {
        var four = in_addr()
        if inet_pton(AF_INET, text, &four) == 1 { return withUnsafeBytes(of: four) { Array($0) } }
        var sixteen = in6_addr()
        guard inet_pton(AF_INET6, text, &sixteen) == 1 else { return nil }
        let bytes = withUnsafeBytes(of: sixteen) { Array($0) }
        return embeddings.contains(Array(bytes.prefix(12))) ? Array(bytes.suffix(4)) : bytes
    }

    /// Where an IPv6 address carries an IPv4 one at its end: a rule about the one holds for the other.
    private static let embeddings: [[UInt8]] = [
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF],  // ::ffff:0:0/96, RFC 4291 §2.5.5.2
        [0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0],  // ::ffff:0:0:0/96, RFC 2765 §2.1
        [0, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0],  // 64:ff9b::/96, RFC 6052 §2.1
    ]

    private static func masked(_ bytes: [UInt8], to length: Int) -> [UInt8] {
        bytes.enumerated().map { index, byte in
            let kept = min(max(length - index * 8, 0), 8)
            return kept == 8 ? byte : byte & ~(UInt8(0xFF) >> UInt8(kept))
        }
    }
}
