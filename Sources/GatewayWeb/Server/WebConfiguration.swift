import NIOCore

/// How the web face listens, what it is called, and how much it takes from anyone.
public struct WebConfiguration: Sendable {
    /// What protects the bytes on their way.
    public enum Transport: Sendable {
        /// TLS 1.3 with the certificate and key at these paths (PEM). Where neither file exists, a
        /// certificate of the local authority is made. The files are read again when they change, without a restart.
        case tls(certificate: String, key: String)
        /// No protection: accepted on a loopback address only.
        case cleartext
    }

    /// The address to listen on. Loopback unless a person decided otherwise.
    public var address: String
    /// The port to listen on; 0 takes a free one.
    public var port: Int
    public var transport: Transport
    /// The names under which browsers may reach this server, `name` or `name:port`. A name without a port stands for
    /// the port that this server listens on. A request that names another host is refused.
    public var names: [String]
    /// The folder of the built page, with an `index.html`. Without it only the API is served.
    public var pageFolder: String?
    /// What `GET /api/server` calls this server.
    public var serverName: String
    public var version: String
    public var limits: WebLimits
    /// Called once with the address that was bound, before the first connection is taken.
    public var onListening: (@Sendable (SocketAddress) async -> Void)?

    public init(
        address: String = "127.0.0.1",
        port: Int = 8080,
        transport: Transport,
        names: [String] = WebConfiguration.loopbackNames,
        pageFolder: String? = nil,
        serverName: String = "SSH Copilot",
        version: String = "0",
        limits: WebLimits = WebLimits(),
        onListening: (@Sendable (SocketAddress) async -> Void)? = nil
    ) {
        self.address = address
        self.port = port
        self.transport = transport
        self.names = names
        self.pageFolder = pageFolder
        self.serverName = serverName
        self.version = version
        self.limits = limits
        self.onListening = onListening
    }

    /// The names of this machine for itself.
    public static let loopbackNames = ["localhost", "127.0.0.1", "[::1]"]

    var isEncrypted: Bool {
        switch transport {
        case .tls: true
        case .cleartext: false
        }
    }
}

/// How much anyone may take: bytes, connections, time.
public struct WebLimits: Sendable {
    /// Bytes of a request body that is decoded as JSON.
    public var bodyBytes = 256 * 1024
    /// Bytes of one header field, and of all of them with the request line.
    public var headerFieldBytes = 8 * 1024
    public var headerBytes = 32 * 1024
    public var headerFields = 100
    /// Open connections altogether, and from one address.
    public var connections = 4096
    public var connectionsFromOneAddress = 512
    /// From the connection to the end of the first request's header, the TLS handshake included.
    public var headerTime: TimeAmount = .seconds(10)
    /// From the header's end to the body's end.
    public var bodyTime: TimeAmount = .seconds(30)
    /// Between two parts of a body that is a file, for somebody who may send it. It may take as long as it needs.
    public var bodyPauseTime: TimeAmount = .seconds(60)
    /// Between a response and the next request on the same connection.
    public var keepAliveTime: TimeAmount = .seconds(75)
    /// How long a reader may leave a response unread.
    public var stalledReaderTime: TimeAmount = .seconds(60)
    /// How long a request may take until its response begins.
    public var requestTime: Duration = .seconds(90)
    /// How long connections may go on after the server was told to stop.
    public var stopTime: TimeAmount = .seconds(5)
    /// Bytes of one WebSocket message.
    public var messageBytes = 128 * 1024
    /// How often a WebSocket is asked whether it is still there, and how long it may stay silent.
    public var pingInterval: TimeAmount = .seconds(20)
    public var silenceTime: TimeAmount = .seconds(50)
    /// How often the sign-in behind an open WebSocket is checked.
    public var signInCheckInterval: TimeAmount = .seconds(15)

    public init() {}
}

/// Why the web face cannot start.
public struct WebServerError: Error, Sendable, CustomStringConvertible {
    public enum Code: String, Sendable {
        case addressInUse = "address_in_use"
        case addressNotAvailable = "address_not_available"
        case cleartextBeyondLoopback = "cleartext_beyond_loopback"
        case certificateUnreadable = "certificate_unreadable"
        case pageUnreadable = "page_unreadable"
        case invalidName = "invalid_name"
    }

    public let code: Code
    /// What happened and why, one sentence.
    public let description: String
    /// What to do next.
    public let hint: String

    init(_ code: Code, _ description: String, hint: String) {
        self.code = code
        self.description = description
        self.hint = hint
    }
}
