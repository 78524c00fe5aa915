import NIOCore
import SSHKeys

/// From where connections are taken at all. The second wall, never the only one: behind a proxy or address translation
/// the whole Internet can look like a private network.
public struct NetworkWall: Sendable {
    /// What lies inside, before single networks are added.
    public enum Reach: Sendable, Hashable {
        /// RFC 1918, loopback, link-local and unique-local (RFC 4193) addresses. Not 100.64.0.0/10 (RFC 6598): providers
        /// share it among strangers.
        case privateNetworks
        /// 127.0.0.0/8 and ::1.
        case loopback
        case everywhere
    }

    private static let loopback = ["127.0.0.0/8", "::1/128"]
    private static let privateNetworks =
        loopback + ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fe80::/10", "fc00::/7"]

    public let reach: Reach
    private let networks: [IPNetwork]

    /// - Parameters:
    ///   - reach: What lies inside by itself.
    ///   - allowed: More networks in CIDR notation, or single addresses.
    /// - Throws: `invalid_settings` for what is no network.
    public init(_ reach: Reach = .privateNetworks, allowed: [String] = []) throws(StandaloneServerError) {
        self.reach = reach
        var networks: [IPNetwork] = []
        for text in (reach == .loopback ? Self.loopback : Self.privateNetworks) + allowed {
            guard let network = IPNetwork(text) else {
                throw .settings(
                    "“\(text)” is not a network.",
                    hint: "Write an address and the number of its leading bits, with nothing set behind them: "
                        + "203.0.113.0/24.")
            }
            networks.append(network)
        }
        self.networks = networks
    }

    /// Whether a connection from there is taken. An IPv4 address within IPv6 (::ffff:a.b.c.d) counts as the IPv4 address;
    /// a zone does not count.
    public func admits(_ address: String) -> Bool {
        guard let address = IPAddress(address) else { return false }
        return reach == .everywhere || networks.contains { $0.contains(address) }
    }

    /// Connections without an address, over a unix socket, come from this machine.
    public func admits(_ address: SocketAddress?) -> Bool {
        guard let address else { return true }
        if case .unixDomainSocket = address { return true }
        return address.ipAddress.map(admits) ?? false
    }
}
