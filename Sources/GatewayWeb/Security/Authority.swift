#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// A host and an optional port as a Host field or a configuration writes them (RFC 3986 §3.2): `example.org`,
/// `example.org:8443`, `[::1]:8080`, `::1`.
struct Authority: Hashable, Sendable {
    /// Lower case; an IPv6 address without its brackets.
    let host: String
    let port: Int?

    /// Nil when the text is no authority: user information, an unfinished bracket, a port out of range.
    init?(_ text: String) {
        let text = text.lowercased()
        guard !text.isEmpty, text.utf8.count <= 300, text.utf8.allSatisfy(Self.isAllowed) else { return nil }
        let host: Substring
        let rest: Substring
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { return nil }
            host = text[text.index(after: text.startIndex)..<end]
            rest = text[text.index(after: end)...]
            guard host.contains(":") else { return nil }
        } else if text.utf8.count(where: { $0 == UInt8(ascii: ":") }) > 1 {
            // An IPv6 address without brackets leaves no room for a port.
            guard !text.contains("]") else { return nil }
            host = text[...]
            rest = ""
        } else {
            let colon = text.firstIndex(of: ":") ?? text.endIndex
            host = text[..<colon]
            rest = text[colon...]
            guard !host.contains("]") else { return nil }
        }
        guard !host.isEmpty else { return nil }
        if rest.isEmpty {
            port = nil
        } else {
            let digits = rest.dropFirst()
            guard
                rest.first == ":", !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let number = Int(digits), (1...65535).contains(number)
            else { return nil }
            port = number
        }
        self.host = String(host)
    }

    /// Letters, digits and the few marks of names and addresses; no `@`, no space, no slash.
    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x61...0x7A: true
        case UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: ":"), UInt8(ascii: "["),
            UInt8(ascii: "]"):
            true
        default: false
        }
    }

    /// The address's bytes in network order, 4 or 16; nil for a name.
    var addressBytes: [UInt8]? {
        var v4 = in_addr()
        if inet_pton(AF_INET, host, &v4) == 1 { return withUnsafeBytes(of: &v4) { Array($0) } }
        var v6 = in6_addr()
        if inet_pton(AF_INET6, host, &v6) == 1 { return withUnsafeBytes(of: &v6) { Array($0) } }
        return nil
    }
}
