import Foundation
import NIOCore

/// A push service's address, taken apart. A browser names it, so it could name anything: only https to a public address
/// is spoken to, and the address is looked at when it is connected to, not when it is written down.
struct PushEndpoint: Sendable, Hashable {
    let host: String
    let port: Int
    /// Path and query.
    let target: String

    /// The origin, for the claims of RFC 8292.
    var audience: String { port == 443 ? "https://\(host)" : "https://\(host):\(port)" }
    var authority: String { port == 443 ? host : "\(host):\(port)" }

    init(_ text: String) throws(GatewayError) {
        func refuse(_ why: String) -> GatewayError {
            .invalid("endpoint", why, hint: "Send the subscription as the browser gave it.")
        }
        guard text.utf8.count <= 2048, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }),
            let parts = URLComponents(string: text), let host = parts.host?.lowercased(), !host.isEmpty
        else { throw refuse("The endpoint is not an address.") }
        guard parts.scheme?.lowercased() == "https" else { throw refuse("A push service is reached by https alone.") }
        guard parts.user == nil, parts.password == nil, parts.fragment == nil else {
            throw refuse("The endpoint holds a name, a password or a fragment.")
        }
        // A name, not an address: a certificate is for a name, and no push service is without one.
        guard AddressRange(host.trimmingCharacters(in: CharacterSet(charactersIn: "[]"))) == nil, !host.contains(":")
        else { throw refuse("The endpoint names an address instead of a host.") }
        let isName = host.utf8.allSatisfy {
            ($0 >= 0x61 && $0 <= 0x7A) || ($0 >= 0x30 && $0 <= 0x39) || $0 == UInt8(ascii: "-")
                || $0 == UInt8(ascii: ".")
        }
        guard isName, host.utf8.count <= 253 else { throw refuse("The endpoint's host is not a name.") }
        port = parts.port ?? 443
        guard (1...65_535).contains(port) else { throw refuse("The endpoint's port is none.") }
        self.host = host
        let path = parts.percentEncodedPath.isEmpty ? "/" : parts.percentEncodedPath
        target = parts.percentEncodedQuery.map { "\(path)?\($0)" } ?? path
    }
}

/// Which addresses a push service may have: public ones, and those that an admin allows, for a service of one's own.
struct PushAddresses: Sendable {
    /// Everything that is not the public internet (RFC 6890 and its registries).
    static let refused = [
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/4", "240.0.0.0/4", "::", "::1", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "fc00::/7",
        "fe80::/10", "ff00::/8",
    ].compactMap(AddressRange.init)

    let allowed: [AddressRange]

    func mayConnect(to address: SocketAddress) -> Bool {
        if allowed.contains(where: { $0.contains(address) }) { return true }
        return address.ipAddress != nil && !Self.refused.contains { $0.contains(address) }
    }
}
