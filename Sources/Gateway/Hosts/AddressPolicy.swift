import NIOCore

/// Which addresses a host may have. Names are resolved once, every address is vetted, and the connection goes to a vetted one.
struct AddressPolicy: Sendable {
    /// Refused by default: addresses that never are an SSH host of somebody's, but may be a cloud's metadata service.
    static let refused = [
        "0.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4", "::", "fe80::/10", "ff00::/8", "fd00:ec2::254",
        "100.100.100.200",
    ].compactMap(AddressRange.init)

    /// What an admin allows all the same.
    let allowed: [AddressRange]

    func mayConnect(to address: SocketAddress) -> Bool {
        if allowed.contains(where: { $0.contains(address) }) { return true }
        return address.ipAddress != nil && !Self.refused.contains { $0.contains(address) }
    }
}
