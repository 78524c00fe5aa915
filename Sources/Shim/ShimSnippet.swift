// What a person puts into ssh_config to reach the shim by the host's own name.

/// A Host block of ssh_config(5).
public struct ShimSnippet: Sendable, Hashable {
    /// The name under which the shim's host key is on record.
    public static let hostKeyAlias = "copilot-shim"

    /// What the person types after `ssh`.
    public var host: String
    public var address: String
    public var port: Int
    /// Picks the upstream; nil where any name does.
    public var user: String?
    /// nil where no key is asked for.
    public var identityFile: String?
    public var knownHostsFile: String
    /// The shim's control socket; nil for none.
    public var controlPath: String?

    public init(
        host: String, address: String, port: Int, user: String? = nil, identityFile: String?, knownHostsFile: String,
        controlPath: String? = nil
    ) {
        self.host = host
        self.address = address
        self.port = port
        self.user = user
        self.identityFile = identityFile
        self.knownHostsFile = knownHostsFile
        self.controlPath = controlPath
    }

    public var lines: [String] {
        var lines = ["Host \(host)", "    HostName \(address)", "    Port \(port)"]
        if let user { lines.append("    User \(user)") }
        lines += [
            "    HostKeyAlias \(Self.hostKeyAlias)",
            "    UserKnownHostsFile \(Self.quoted(knownHostsFile))",
            "    StrictHostKeyChecking yes",
        ]
        if let identityFile {
            lines += ["    IdentityFile \(Self.quoted(identityFile))", "    IdentitiesOnly yes"]
        }
        // What a client need not spend time on, to a server of its own machine.
        lines += [
            "    PreferredAuthentications publickey", "    GSSAPIAuthentication no", "    CheckHostIP no",
            "    UpdateHostKeys no", "    Compression no", "    ProxyJump none",
            "    Ciphers ^aes128-gcm@openssh.com", "    KexAlgorithms ^curve25519-sha256",
            // The shim is the master: its socket spares even the key exchange. Without it ssh goes by the port above.
            "    ControlMaster no", "    ControlPath \(controlPath.map(Self.quoted) ?? "none")",
        ]
        return lines
    }

    private static func quoted(_ path: String) -> String {
        let escaped = path.split(separator: "%", omittingEmptySubsequences: false).joined(separator: "%%")
        return escaped.contains(" ") ? "\"\(escaped)\"" : escaped
    }
}
