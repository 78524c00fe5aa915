// What forwarding requests and channels carry: RFC 4254 §7, OpenSSH's PROTOCOL §2.4.

/// One end of a TCP connection as the peer names it: a host name or an address, and a port. Hostile until checked.
public struct TCPAddress: Sendable, Hashable, CustomStringConvertible {
    /// As it came over the wire. For listeners "" means all interfaces of every family, "0.0.0.0" and "::" those of one
    /// family, and "localhost" loopback (RFC 4254 §7.1).
    public var host: String
    /// 0…65535 once it was checked; on the wire it has 32 bits.
    public var port: UInt32

    public init(host: String, port: UInt32) {
        self.host = host
        self.port = port
    }

    /// "host:port", with brackets about an IPv6 address.
    public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// Something that the client asks the server to listen on.
public enum RemoteForward: Sendable, Hashable {
    /// tcpip-forward (RFC 4254 §7.1). Port 0 leaves the choice to the server.
    case tcp(TCPAddress)
    /// streamlocal-forward@openssh.com (OpenSSH's PROTOCOL §2.4).
    case unix(path: String)
}

/// What a new channel is for (RFC 4254 §5.1), with what belongs to its type.
public enum ChannelOpenRequest: Sendable, Hashable {
    /// RFC 4254 §6.1; from client to server.
    case session
    /// direct-tcpip (RFC 4254 §7.2); from client to server.
    case directTCPIP(target: TCPAddress, originator: TCPAddress)
    /// forwarded-tcpip (RFC 4254 §7.2); from server to client.
    case forwardedTCPIP(connected: TCPAddress, originator: TCPAddress)
    /// direct-streamlocal@openssh.com; from client to server.
    case directStreamLocal(path: String)
    /// forwarded-streamlocal@openssh.com; from server to client.
    case forwardedStreamLocal(path: String)
    /// auth-agent@openssh.com (draft-ietf-sshm-ssh-agent §4); from server to client.
    case agent
    /// x11 (RFC 4254 §6.3.2); from server to client.
    case x11(originator: TCPAddress)

    /// Whether a peer in this role may open it.
    func mayBeOpened(by role: ConnectionRole) -> Bool {
        switch self {
        case .session, .directTCPIP, .directStreamLocal: role == .client
        case .forwardedTCPIP, .forwardedStreamLocal, .agent, .x11: role == .server
        }
    }

    var isSession: Bool { self == .session }
}

/// Why a channel is refused (RFC 4254 §5.1).
public struct ChannelRefusal: RawRepresentable, Sendable, Hashable {
    public var rawValue: UInt32

    public init(rawValue: UInt32) { self.rawValue = rawValue }

    public static let administrativelyProhibited = ChannelRefusal(rawValue: 1)
    public static let connectFailed = ChannelRefusal(rawValue: 2)
    public static let unknownChannelType = ChannelRefusal(rawValue: 3)
    public static let resourceShortage = ChannelRefusal(rawValue: 4)
}

/// A global request of the peer that wants to be decided (RFC 4254 §4).
public struct InboundGlobalRequest: Sendable, Hashable {
    public enum Kind: Sendable, Hashable {
        /// tcpip-forward or streamlocal-forward@openssh.com; from client to server.
        case forward(RemoteForward)
        /// cancel-tcpip-forward or cancel-streamlocal-forward@openssh.com; from client to server.
        case cancelForward(RemoteForward)
    }

    public var kind: Kind
    let token: RequestToken
    let wantsReply: Bool
}

/// A request of the peer on one channel that wants to be decided (RFC 4254 §5.4).
public struct InboundChannelRequest: Sendable, Hashable {
    public var request: SessionRequest
    /// Whether the peer waits for the answer; answering is right in any case.
    public let wantsReply: Bool
    let token: RequestToken
}
