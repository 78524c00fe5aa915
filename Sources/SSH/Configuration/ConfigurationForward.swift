/// One `LocalForward`, `RemoteForward` or `DynamicForward`.
public struct ConfigurationForward: Sendable, Hashable {
    /// Where something listens.
    public enum Listener: Sendable, Hashable {
        /// A TCP port; without a host, loopback (or every address with `GatewayPorts yes`). Port 0 lets the host choose.
        case port(host: String?, Int)
        /// A unix socket.
        case socket(String)
    }

    /// Where connections go.
    public enum Target: Sendable, Hashable {
        case port(host: String, Int)
        case socket(String)
        /// Wherever the connecting program asks for by SOCKS.
        case socks
    }

    public var listener: Listener
    public var target: Target

    public init(listener: Listener, target: Target) {
        self.listener = listener
        self.target = target
    }

    /// Reads "[bind:]port host:port" and its forms with socket paths. nil when it is none.
    ///
    /// - Parameter isRemote: Whether the other side listens: then it may choose the port.
    init?(listen: String, connect: String?, isRemote: Bool) {
        guard let listener = Self.listener(listen, isRemote: isRemote) else { return nil }
        self.listener = listener
        guard let connect else {
            target = .socks
            return
        }
        if connect.hasPrefix("/") {
            target = .socket(connect)
        } else {
            guard let (host, port) = Self.hostAndPort(connect), let host, port > 0 else { return nil }
            target = .port(host: host, port)
        }
    }

    private static func listener(_ text: String, isRemote: Bool) -> Listener? {
        if text.hasPrefix("/") { return .socket(text) }
        guard let (host, port) = hostAndPort(text), port > 0 || isRemote else { return nil }
        return .port(host: host, port)
    }

    /// "port", "host:port" or "[address]:port".
    static func hostAndPort(_ text: String) -> (host: String?, port: Int)? {
        if let port = ServicePort.number(text) { return (nil, port) }
        let host: Substring
        let port: Substring
        if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
            host = text[text.index(after: text.startIndex)..<end]
            guard text[end...].hasPrefix("]:") else { return nil }
            port = text[end...].dropFirst(2)
        } else {
            guard let colon = text.firstIndex(of: ":") else { return nil }
            host = text[..<colon]
            port = text[text.index(after: colon)...]
        }
        guard host.utf8.count <= 1025, let number = ServicePort.number(String(port)) else { return nil }
        // ":8080" asks for every address, as "*:8080" does.
        return (String(host), number)
    }

    /// As `ssh -G` prints it, without the keyword.
    var listing: String {
        let left =
            switch listener {
            case .port(nil, let port): "\(port)"
            case .port(let host?, let port): "[\(host)]:\(port)"
            case .socket(let path): path
            }
        return switch target {
        case .port(let host, let port): "\(left) [\(host)]:\(port)"
        case .socket(let path): "\(left) \(path)"
        case .socks: left
        }
    }
}

/// One host on the way to the target (`ProxyJump`).
public struct JumpHost: Sendable, Hashable, CustomStringConvertible {
    public var user: String?
    public var host: String
    /// nil where the host's own configuration says.
    public var port: Int?

    public init(user: String? = nil, host: String, port: Int? = nil) {
        self.user = user
        self.host = host
        self.port = port
    }

    /// Reads "[user@]host[:port]" or "ssh://[user@]host[:port]".
    public init?(_ text: String) {
        var rest = text[...]
        if rest.lowercased().hasPrefix("ssh://") {
            rest = rest.dropFirst(6)
            if rest.hasSuffix("/") { rest = rest.dropLast() }
        }
        if let at = rest.lastIndex(of: "@") {
            user = String(rest[..<at])
            rest = rest[rest.index(after: at)...]
            guard user?.isEmpty == false else { return nil }
        }
        if rest.hasPrefix("[") {
            guard let end = rest.firstIndex(of: "]") else { return nil }
            host = String(rest[rest.index(after: rest.startIndex)..<end])
            rest = rest[rest.index(after: end)...]
        } else {
            host = String(rest.prefix { $0 != ":" })
            rest = rest.dropFirst(host.count)
        }
        guard !host.isEmpty, !host.hasPrefix("-"), host.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else { return nil }
        guard !rest.isEmpty else { return }
        guard rest.hasPrefix(":"), let number = ServicePort.number(String(rest.dropFirst())), number > 0 else {
            return nil
        }
        port = number
    }

    public var description: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return (user.map { $0 + "@" } ?? "") + name + (port.map { ":\($0)" } ?? "")
    }
}
