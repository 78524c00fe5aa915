/// The names under which this server may be reached: what `Host` may say, and where a page that may act comes from.
///
/// Checking the host on every request ends DNS rebinding: a foreign name that resolves to this machine is still a
/// foreign name. Checking the origin ends requests that other pages make with this browser's cookies.
struct OwnOrigins: Sendable {
    private let scheme: String
    private let names: [Authority]

    /// - Throws: `WebServerError` when a configured name is no host name.
    init(names: [String], isEncrypted: Bool) throws {
        scheme = isEncrypted ? "https" : "http"
        self.names = try names.map { name in
            guard let authority = Authority(name) else {
                throw WebServerError(
                    .invalidName, "“\(name)” is not a host name.",
                    hint: "Write a name or an address, with a port if it differs: ssh.example.org or [2001:db8::1]:443."
                )
            }
            return authority
        }
    }

    /// Whether a Host field names this server.
    /// - Parameter localPort: the port that the connection came in on.
    func contains(host text: String, localPort: Int?) -> Bool {
        guard let authority = Authority(text) else { return false }
        return contains(authority, localPort: localPort)
    }

    /// Whether an Origin field (RFC 6454 §7) is a page of this server: same scheme, host and port.
    func contains(origin: String, localPort: Int?) -> Bool {
        let prefix = scheme + "://"
        guard origin.lowercased().hasPrefix(prefix), let authority = Authority(String(origin.dropFirst(prefix.count)))
        else { return false }
        return contains(authority, localPort: localPort)
    }

    private func contains(_ authority: Authority, localPort: Int?) -> Bool {
        let port = authority.port ?? (scheme == "https" ? 443 : 80)
        return names.contains { $0.host == authority.host && ($0.port ?? localPort) == port }
    }
}
