import NIOCore

/// Where the gateway may connect to on somebody's behalf. The networks here give secrets to whoever can reach them
/// (cloud metadata), or are no host at all; everything else is a matter for people and their permissions.
public struct AddressPolicy: Sendable {
    private static let refused = [
        "0.0.0.0/8",  // "this network", RFC 1122 §3.2.1.3
        "169.254.0.0/16",  // link-local, RFC 3927, with the metadata services of most clouds
        "224.0.0.0/4",  // multicast, RFC 5771
        "255.255.255.255/32",
        "::/128",  // unspecified, RFC 4291 §2.5.2
        "fe80::/10",  // link-local, RFC 4291 §2.5.6
        "fd00:ec2::254/128",  // a metadata service
        "ff00::/8",  // multicast, RFC 4291 §2.7
    ].compactMap(IPNetwork.init)

    private let allowed: [IPNetwork]

    /// - Parameter allowing: networks that the configuration permits although they are on the list.
    public init(allowing: [IPNetwork] = []) {
        allowed = allowing
    }

    public func isAllowed(_ address: IPAddress) -> Bool {
        allowed.contains { $0.contains(address) } || !Self.refused.contains { $0.contains(address) }
    }

    /// A socket that is no IP address is refused.
    public func isAllowed(_ address: SocketAddress) -> Bool {
        address.ipAddress.flatMap(IPAddress.init).map(isAllowed) ?? false
    }
}
