import SSHProtocol

/// Where a forward listens or leads to.
public enum SSHForwardEndpoint: Sendable, Hashable, CustomStringConvertible {
    /// A host name or an IP address without brackets, and a port; port 0 of a listener is chosen for it. A listener on
    /// "localhost" listens on 127.0.0.1 and ::1, on the same port.
    case tcp(host: String, port: Int)
    /// The path of a unix socket.
    case unix(path: String)

    public var description: String {
        switch self {
        case .tcp(let host, let port): SSHEndpoint(host: host, port: port).description
        case .unix(let path): path
        }
    }

    /// nil for a unix socket.
    public var port: Int? {
        if case .tcp(_, let port) = self { return port }
        return nil
    }

    /// What a client asks a server to listen on.
    var remote: RemoteForward {
        switch self {
        case .tcp(let host, let port): .tcp(TCPAddress(host: host, port: UInt32(clamping: port)))
        case .unix(let path): .unix(path: path)
        }
    }

    init(_ remote: RemoteForward) {
        switch remote {
        case .tcp(let address): self = .tcp(host: address.host, port: Int(address.port))
        case .unix(let path): self = .unix(path: path)
        }
    }

    /// What a client asks a server to connect to.
    package func channelRequest(originator: TCPAddress) -> ChannelOpenRequest {
        switch self {
        case .tcp(let host, let port):
            .directTCPIP(target: TCPAddress(host: host, port: UInt32(clamping: port)), originator: originator)
        case .unix(let path): .directStreamLocal(path: path)
        }
    }
}

/// What is forwarded (RFC 4254 §7), in the words of `ssh`'s options.
public enum SSHForwardRule: Sendable, Hashable {
    /// -L: we listen, the host connects.
    case local(from: SSHForwardEndpoint, to: SSHForwardEndpoint)
    /// -R: the host listens, we connect. "" listens on all of the host's interfaces, "localhost" on its loopback.
    case remote(from: SSHForwardEndpoint, to: SSHForwardEndpoint)
    /// -D: we listen as a SOCKS 4, 4a and 5 proxy, the host connects where each client of ours wants to go.
    case dynamic(from: SSHForwardEndpoint)
}

extension ChannelOpenRequest {
    /// A connection that begins here, and not at a socket of somebody else.
    static func to(_ endpoint: SSHEndpoint) -> ChannelOpenRequest {
        .directTCPIP(
            target: TCPAddress(host: endpoint.host, port: UInt32(clamping: endpoint.port)),
            originator: TCPAddress(host: "127.0.0.1", port: 0))
    }
}
