public import SSH

/// What a command line says about a host.
public struct ConnectionRequest: Sendable {
    /// "[user@]host" or "ssh://[user@]host[:port]".
    public var destination: String
    /// `-l`; it counts before a user in the destination, as in OpenSSH the first one that is set counts.
    public var user: String?
    /// `-p`.
    public var port: Int?
    /// `-i`, in order.
    public var identityFiles: [String]
    /// `-J`: "[user@]host[:port]" with commas between them.
    public var jumps: String?
    /// `-F`: one file instead of the user's and the system's; "none" for no file at all.
    public var configurationFile: String?
    /// `-o`, each "Name=Value" or "Name Value".
    public var options: [String]
    /// `-P`: the tag that `Match tagged` asks for.
    public var tag: String?
    /// How often `-v` was given.
    public var verbosity: Int
    /// `-q`.
    public var isQuiet: Bool
    /// `-E`: where messages go instead of standard error.
    public var logFile: String?

    public init(
        destination: String, user: String? = nil, port: Int? = nil, identityFiles: [String] = [], jumps: String? = nil,
        configurationFile: String? = nil, options: [String] = [], tag: String? = nil, verbosity: Int = 0,
        isQuiet: Bool = false, logFile: String? = nil
    ) {
        self.destination = destination
        self.user = user
        self.port = port
        self.identityFiles = identityFiles
        self.jumps = jumps
        self.configurationFile = configurationFile
        self.options = options
        self.tag = tag
        self.verbosity = verbosity
        self.isQuiet = isQuiet
        self.logFile = logFile
    }

    /// User, host and port of the destination. Throws for one that names no host, and for a host that a program would take
    /// for an option.
    public func target() throws(Failure) -> JumpHost {
        let isURL = destination.lowercased().hasPrefix("ssh://")
        let parsed: JumpHost?
        if isURL {
            parsed = JumpHost(destination)
        } else if let at = destination.lastIndex(of: "@") {
            let name = String(destination[..<at])
            let host = String(destination[destination.index(after: at)...])
            parsed = name.isEmpty ? nil : Self.host(host).map { JumpHost(user: name, host: $0) }
        } else {
            parsed = Self.host(destination).map { JumpHost(host: $0) }
        }
        guard let parsed, parsed.user.map(Self.isUser) ?? true else {
            throw Failure(
                "“\(destination)” names no host.", hint: "Write it as host, user@host or ssh://user@host:port.",
                status: .connection)
        }
        return parsed
    }

    /// A name or address as it stands. Brackets about an IPv6 address are taken off.
    private static func host(_ text: String) -> String? {
        var name = text
        if name.hasPrefix("["), name.hasSuffix("]") { name = String(name.dropFirst().dropLast()) }
        guard !name.isEmpty, !name.hasPrefix("-"), name.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else { return nil }
        return name
    }

    /// Names that a shell could make something of do not reach a `ProxyCommand` or a `LocalCommand` (`%r`).
    private static func isUser(_ name: String) -> Bool {
        !name.hasPrefix("-") && name.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
            && !name.contains { "'`\";&<>|(){}".contains($0) } && name.last != "\\"
    }

    /// The request for a host on the way: files and verbosity are the same, what was said about the target is not.
    func onTheWay(_ jump: JumpHost) -> ConnectionRequest {
        ConnectionRequest(
            destination: jump.host.contains(":") ? "[\(jump.host)]" : jump.host, user: jump.user, port: jump.port,
            configurationFile: configurationFile, verbosity: verbosity, isQuiet: isQuiet, logFile: logFile)
    }
}
