import NIOConcurrencyHelpers
import Storage

/// What an agent asks for: a host, an account there, and why. Every text of it is the agent's: shown to people as inert
/// text, never as anything else.
public struct AgentRequest: Sendable {
    /// What an agent sends.
    public struct New: Sendable, Codable {
        public var host: String?
        public var username: String?
        public var reason: String?
        public var port: Int?
        public var mode: AgentMode?
        public var commands: [String]?
        public var sudo: AgentSudo?
        public var files: AgentGrant.Files?
        public var durationMinutes: Int?

        public init(
            host: String?, username: String?, reason: String? = nil, port: Int? = nil, mode: AgentMode? = nil,
            commands: [String]? = nil, sudo: AgentSudo? = nil, files: AgentGrant.Files? = nil,
            durationMinutes: Int? = nil
        ) {
            self.host = host
            self.username = username
            self.reason = reason
            self.port = port
            self.mode = mode
            self.commands = commands
            self.sudo = sudo
            self.files = files
            self.durationMinutes = durationMinutes
        }
    }

    enum State: Sendable {
        case pending
        case connecting(by: String)
        case approved(by: String)
        case denied(reason: String, by: String)
        case expired
        case withdrawn
        case failed(GatewayError)

        var name: String {
            switch self {
            case .pending: "pending"
            case .connecting: "connecting"
            case .approved: "approved"
            case .denied: "denied"
            case .expired: "expired"
            case .withdrawn: "withdrawn"
            case .failed: "connect_failed"
            }
        }
    }

    /// How long a request waits for a person.
    static let patience: Duration = .seconds(15 * 60)
    /// Requests of one agent that may wait at once.
    static let pendingEach = 10

    /// Becomes the session's.
    let id: String
    let agent: Agent
    let host: String
    let username: String
    let reason: String
    let wish: New
    let createdAt: Timestamp
    let expiresAt: Timestamp
    var state = State.pending
    var decidedAt: Timestamp?

    init(_ new: New, agent: Agent, now: Timestamp = .now()) throws(GatewayError) {
        func text(_ value: String?, limit: Int) -> String {
            String((value ?? "").unicodeScalars.filter { $0 != "\0" }.prefix(limit).map(Character.init))
        }
        id = Identifier.make("ses")
        self.agent = agent
        host = text(new.host, limit: 253)
        username = text(new.username, limit: 64)
        reason = text(new.reason, limit: 2000)
        guard !host.isEmpty, !username.isEmpty else {
            throw GatewayError(
                "missing_host", status: 400, "Missing host or username.",
                hint: "Say which host, as which user, and why.", field: host.isEmpty ? "host" : "username")
        }
        var wish = new
        (wish.host, wish.username, wish.reason) = (host, username, reason)
        wish.commands = (new.commands ?? []).prefix(20).map { text($0, limit: 500) }
        wish.files = new.files.map { files in
            AgentGrant.Files(
                read: files.read.prefix(20).map { text($0, limit: 500) },
                write: files.write.prefix(20).map { text($0, limit: 500) })
        }
        if let minutes = wish.durationMinutes { wish.durationMinutes = min(max(minutes, 1), AgentGrant.longestMinutes) }
        if let port = wish.port, !(1...65_535).contains(port) {
            throw .invalid("port", "A port is a number from 1 to 65535.", hint: "SSH's own is 22.")
        }
        self.wish = wish
        createdAt = now
        expiresAt = now + Self.patience
    }

    /// One that waited when the copilot was stopped.
    init(id: String, agent: Agent, wish: New, createdAt: Timestamp, expiresAt: Timestamp) {
        self.id = id
        self.agent = agent
        host = wish.host ?? ""
        username = wish.username ?? ""
        reason = wish.reason ?? ""
        self.wish = wish
        self.createdAt = createdAt
        self.expiresAt = expiresAt
    }
}

/// A request as the agent that made it sees it, and as people do.
public struct AgentRequestView: Sendable, Encodable {
    public struct Wish: Sendable, Encodable {
        public let port: Int?
        public let mode: AgentMode?
        public let commands: [String]
        public let sudo: AgentSudo?
        public let files: AgentGrant.Files?
        public let durationMinutes: Int?
    }

    public let id: String
    public let agent: SessionView.Person
    public let host: String
    public let username: String
    public let reason: String
    public let status: String
    public let createdAt: String
    public let expiresAt: String
    public let wish: Wish
    /// Who decided, and what they said.
    public let decidedBy: String?
    public let decision: String?
    /// Hosts of this person that the request may mean.
    public var suggestedHostIds: [String]?

    init(_ request: AgentRequest) {
        id = request.id
        agent = request.agent.person
        host = request.host
        username = request.username
        reason = request.reason
        status = request.state.name
        createdAt = request.createdAt.iso8601
        expiresAt = request.expiresAt.iso8601
        wish = Wish(
            port: request.wish.port, mode: request.wish.mode, commands: request.wish.commands ?? [],
            sudo: request.wish.sudo, files: request.wish.files, durationMinutes: request.wish.durationMinutes)
        switch request.state {
        case .connecting(let by), .approved(let by): (decidedBy, decision) = (by, nil)
        case .denied(let reason, let by): (decidedBy, decision) = (by, reason)
        case .failed(let error): (decidedBy, decision) = (nil, error.error)
        case .pending, .expired, .withdrawn: (decidedBy, decision) = (nil, nil)
        }
    }
}
