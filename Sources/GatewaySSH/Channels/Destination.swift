import NIOCore

/// Where a tunnel is to lead, as the client wrote it.
struct Destination: Sendable {
    let host: String
    let port: Int

    var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// The address that stands there in so many digits; nil for a name, which the host resolves.
    ///
    /// The old ways to write one count too (inet_aton(3): `0xa9fea9fe`, `169.254.43518`): the host's own resolver knows them.
    var address: SocketAddress? {
        let plain = host.split(separator: "%", maxSplits: 1).first.map(String.init) ?? host
        if let address = try? SocketAddress(ipAddress: plain, port: port) { return address }
        guard let old = Self.oldAddress(host) else { return nil }
        let bytes = [old >> 24, old >> 16, old >> 8, old].map { String($0 & 0xFF) }
        return try? SocketAddress(ipAddress: bytes.joined(separator: "."), port: port)
    }

    /// One to four numbers, of which the last one fills what the others leave.
    private static func oldAddress(_ text: String) -> UInt32? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard (1...4).contains(parts.count) else { return nil }
        let numbers = parts.compactMap(Self.number)
        guard numbers.count == parts.count, let last = numbers.last else { return nil }
        var address: UInt64 = 0
        for number in numbers.dropLast() {
            guard number <= 0xFF else { return nil }
            address = address << 8 | number
        }
        let bits = UInt64(8 * (5 - parts.count))
        guard last < 1 << bits else { return nil }
        return UInt32(truncatingIfNeeded: address << bits | last)
    }

    /// Decimal, octal behind a 0, hexadecimal behind 0x.
    private static func number(_ text: Substring) -> UInt64? {
        guard text.utf8.first.map({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) == true else { return nil }
        if text.hasPrefix("0x") || text.hasPrefix("0X") { return UInt64(text.dropFirst(2), radix: 16) }
        return UInt64(text, radix: text.hasPrefix("0") ? 8 : 10)
    }
}
