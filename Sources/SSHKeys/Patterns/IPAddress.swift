#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// An IPv4 or IPv6 address as bytes. One that is IPv4 inside of IPv6 (::ffff:192.0.2.1) is the IPv4 address.
package struct IPAddress: Hashable, Sendable {
    /// 4 or 16 bytes in network order.
    package let bytes: [UInt8]

    /// nil unless `text` is an address in its usual notation. A zone (`%eth0`) does not count.
    package init?(_ text: some StringProtocol) {
        let text = String(text.prefix { $0 != "%" })
        guard !text.utf8.contains(0) else { return nil }
        guard let bytes = Self.parse(text) else { return nil }
        self.bytes = Self.isMapped(bytes) ? Array(bytes.suffix(4)) : bytes
    }

    /// Reads without turning ::ffff:a.b.c.d into a.b.c.d.
    static func parse(_ text: String) -> [UInt8]? {
        var address = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, text, &address) == 1 { return Array(address.prefix(4)) }
        return inet_pton(AF_INET6, text, &address) == 1 ? address : nil
    }

    static func isMapped(_ bytes: [UInt8]) -> Bool {
        bytes.count == 16 && bytes.prefix(10).allSatisfy { $0 == 0 } && bytes[10] == 0xff && bytes[11] == 0xff
    }
}

/// A network in CIDR notation, or one address.
package struct IPNetwork: Hashable, Sendable {
    package let base: IPAddress
    /// Leading bits that count, 0 to 32 or 128.
    package let prefix: Int

    /// nil if it is no address or network, or if bits beyond the prefix are set, which is a slip of the pen.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, !first.contains("%"), let plain = IPAddress.parse(String(first)),
            let base = IPAddress(first)
        else { return nil }
        var prefix = plain.count * 8
        if parts.count == 2 {
            let digits = parts[1]
            guard (1...3).contains(digits.utf8.count), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let given = Int(digits), given <= prefix
            else { return nil }
            prefix = given
        }
        if plain.count != base.bytes.count {
            // ::ffff:192.0.2.0/120 is 192.0.2.0/24; a wider prefix would reach beyond IPv4.
            guard prefix >= 96 else { return nil }
            prefix -= 96
        }
        self.base = base
        self.prefix = prefix
        guard Self.masked(base.bytes, prefix) == base.bytes else { return nil }
    }

    package func contains(_ address: IPAddress) -> Bool {
        address.bytes.count == base.bytes.count && Self.masked(address.bytes, prefix) == base.bytes
    }

    private static func masked(_ bytes: [UInt8], _ prefix: Int) -> [UInt8] {
        bytes.enumerated().map { index, byte in
            let bits = min(max(prefix - index * 8, 0), 8)
            return bits == 0 ? 0 : byte & (0xff << UInt8(8 - bits))
        }
    }
}
