#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// An IP address as bytes. An IPv4 address in IPv6 clothes (`::ffff:1.2.3.4`, `64:ff9b::1.2.3.4`) is the IPv4 address:
/// a rule about one holds for the other.
public enum IPAddress: Sendable, Hashable {
    case v4([UInt8])
    case v6([UInt8])

    /// Reads the text form; a zone (`%eth0`) is ignored.
    public init?(_ text: String) {
        let plain = String(text.prefix { $0 != "%" })
        var four = [UInt8](repeating: 0, count: 4)
        var six = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, plain, &four) == 1 {
            self = .v4(four)
        } else if inet_pton(AF_INET6, plain, &six) == 1 {
            self = Self.unwrapped(six)
        } else {
            return nil
        }
    }

    private static func unwrapped(_ six: [UInt8]) -> IPAddress {
        let embedding: [[UInt8]] = [
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF],  // ::ffff:0:0/96, RFC 4291 §2.5.5.2
            [0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0],  // ::ffff:0:0:0/96, RFC 2765 §2.1
            [0, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0],  // 64:ff9b::/96, RFC 6052 §2.1
        ]
        return embedding.contains(Array(six.prefix(12))) ? .v4(Array(six.suffix(4))) : .v6(six)
    }

    public var bytes: [UInt8] {
        switch self {
        case .v4(let bytes), .v6(let bytes): bytes
        }
    }
}

/// A block of addresses, such as `169.254.0.0/16`.
public struct IPNetwork: Sendable, Hashable {
    private let address: IPAddress
    private let length: Int

    /// Reads CIDR notation, or one address.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let address = IPAddress(String(first)) else { return nil }
        let longest = address.bytes.count * 8
        guard let length = parts.count == 2 ? Int(parts[1]) : longest, (0...longest).contains(length) else {
            return nil
        }
        self.address = address
        self.length = length
    }

    public func contains(_ other: IPAddress) -> Bool {
        guard other.bytes.count == address.bytes.count else { return false }
        var bits = length
        for (own, their) in zip(address.bytes, other.bytes) {
            guard bits > 0 else { return true }
            let mask = bits >= 8 ? UInt8.max : ~(UInt8.max >> UInt8(bits))
            guard own & mask == their & mask else { return false }
            bits -= 8
        }
        return true
    }
}
