extension DestinationConstraint {
    /// Makes a step of a text as `ssh-add -h` takes it: "[user@]host" from here, "host>[user@]host" from there.
    ///
    /// - Parameters:
    ///   - specification: Host names as known_hosts has them: "web-1", "[web-1]:2222".
    ///   - knownHosts: Says which keys the hosts have, and which authorities certify them. Revoked ones do not count.
    ///
    /// Throws `unknownDestination` for a host without a key, `malformed` for a text that is none.
    public init(_ specification: String, knownHosts: KnownHosts) throws(SSHAgentError) {
        let parts = specification.split(separator: ">", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 2 {
            guard !parts[0].contains("@") else { throw .malformed("where a step begins there is no user") }
            from = try Self.hop(String(parts[0]), knownHosts)
            to = try Self.hop(String(parts[1]), knownHosts)
        } else {
            from = nil
            to = try Self.hop(specification, knownHosts)
        }
    }

    private static func hop(_ text: String, _ knownHosts: KnownHosts) throws(SSHAgentError) -> Hop {
        var host = text
        var user: String?
        if let at = text.lastIndex(of: "@") {
            user = String(text[..<at])
            host = String(text[text.index(after: at)...])
        }
        guard !host.isEmpty, user?.isEmpty != true, !text.utf8.contains(0) else {
            throw .malformed("a destination has no name or an empty user")
        }
        let name = host.lowercased()
        let entries = knownHosts.entries.filter { $0.hosts.matches(name) }
        let revoked = Set(entries.filter { $0.marker == .revoked }.map(\.key))
        let keys = entries.filter { $0.marker != .revoked && !revoked.contains($0.key) }.map {
            HostKey($0.key, isAuthority: $0.marker == .certificateAuthority)
        }
        guard !keys.isEmpty else {
            throw SSHAgentError(
                .unknownDestination, "known_hosts has no key of \(Printable.text(host)).",
                hint: "Connect to the host once, or add its key with: ssh-keyscan HOST")
        }
        return Hop(user: user, hostName: name, keys: keys)
    }
}
