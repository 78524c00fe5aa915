import Audit
import NIOConcurrencyHelpers
import Policy
import Storage

/// An agent's token as people see it: never the token itself.
public struct AgentTokenView: Sendable, Encodable {
    public let id: String
    public let name: String
    public let owner: SessionView.Person
    public let createdAt: String
    @Nullable public var expiresAt: String?
    @Nullable public var revokedAt: String?
    @Nullable public var lastUsedAt: String?
}

/// The tokens by which AI agents prove themselves: made by a person, shown once, kept as a hash, and gone within a
/// second of being revoked, whoever revoked them.
public struct AgentTokens: Sendable {
    /// What every agent token begins with; no other credential of this program does.
    public static let prefix = "cpa_"
    /// How long it is remembered that a token is good.
    private static let memory: Duration = .milliseconds(500)
    private static let remembered = 10_000

    private struct Known {
        let id: String
        let name: String
        let ownerID: String
        let until: Timestamp
    }

    let store: Store
    let audit: AuditLog
    let policy: PolicyTable
    private let known = NIOLockedValueBox<[[UInt8]: Known]>([:])
    private let goodUntil = NIOLockedValueBox<[String: Timestamp]>([:])

    var tenant: String { audit.tenant }

    init(store: Store, audit: AuditLog, policy: PolicyTable) {
        self.store = store
        self.audit = audit
        self.policy = policy
    }

    /// Whether this text is meant as an agent's token, good or not.
    public static func isAgentToken(_ text: some StringProtocol) -> Bool { text.hasPrefix(prefix) }

    // MARK: People's side

    /// Makes a token. It is in the answer and nowhere else.
    /// - Parameter validity: how long it is good; nil until it is revoked.
    public func add(name: String, validity: Duration? = nil, caller: Caller) async throws(GatewayError) -> (
        agent: AgentTokenView, token: String
    ) {
        try policy.require(.agentManage, of: caller)
        let name = try VisibleText.line(name, field: "name", what: "The agent's name", limit: 60)
        guard !name.isEmpty else {
            throw .invalid("name", "The agent's name is empty.", hint: "Name it after the program, such as claude.")
        }
        let token = Self.prefix + SecretToken().text
        let id = Identifier.make("agt")
        let now = Timestamp.now()
        let expires = validity.map { now + $0 }
        let (tenant, hash) = (tenant, SecretToken.hash(token))
        let event = AuditEvent(
            actor: caller.auditActor, action: "agent.token.created", object: .init(kind: "agent", id: id, name: name),
            details: expires.map { ["expires": $0.iso8601] } ?? [:])
        try await GatewayError.mapping {
            try await store.transaction { [audit] tx in
                try tx.execute(
                    """
                    INSERT INTO agent (tenant, id, name, owner, owner_name, token_hash, created, expires)
                    VALUES (\(tenant), \(id), \(name), \(caller.userID), \(caller.name), \(hash), \(now), \(expires))
                    """)
                _ = try audit.append(event, in: tx)
            }
        }
        let view = AgentTokenView(
            id: id, name: name, owner: .init(id: caller.userID, name: caller.name), createdAt: now.iso8601,
            expiresAt: expires?.iso8601, revokedAt: nil, lastUsedAt: nil)
        return (view, token)
    }

    /// Every agent, the newest first.
    public func list(_ caller: Caller) async throws(GatewayError) -> [AgentTokenView] {
        try policy.require(.agentManage, of: caller)
        let tenant = tenant
        return try await GatewayError.mapping {
            try await store.read { tx in
                try tx.rows("SELECT * FROM agent WHERE tenant = \(tenant) ORDER BY created DESC").map(Self.view)
            }
        }
    }

    private static func view(_ row: SQLRow) throws(StorageError) -> AgentTokenView {
        AgentTokenView(
            id: try row.text("id"), name: try row.text("name"),
            owner: .init(id: try row.text("owner"), name: try row.text("owner_name")),
            createdAt: try row.time("created").iso8601, expiresAt: try row.optionalTime("expires")?.iso8601,
            revokedAt: try row.optionalTime("revoked")?.iso8601, lastUsedAt: try row.optionalTime("last_used")?.iso8601)
    }

    /// Ends a token. What uses it now ends within a second.
    /// - Parameter idOrName: the identifier, or the name where only one good token has it.
    @discardableResult
    public func revoke(_ idOrName: String, caller: Caller) async throws(GatewayError) -> String {
        try policy.require(.agentManage, of: caller)
        let tenant = tenant
        let id = try await GatewayError.mapping {
            try await store.transaction { [audit] tx in
                let rows = try tx.rows(
                    """
                    SELECT id, name FROM agent WHERE tenant = \(tenant) AND revoked IS NULL
                        AND (id = \(idOrName) OR name = \(idOrName))
                    """)
                guard let row = rows.first, rows.count == 1 else {
                    guard rows.isEmpty else {
                        throw GatewayError.conflict(
                            "ambiguous", "\(rows.count) agents have this name.", hint: "Name it by its identifier.")
                    }
                    throw GatewayError.notFound("agent")
                }
                let id = try row.text("id")
                try tx.execute(
                    "UPDATE agent SET revoked = \(Timestamp.now()) WHERE tenant = \(tenant) AND id = \(id)")
                let object = AuditObject(kind: "agent", id: id, name: try row.text("name"))
                _ = try audit.append(
                    AuditEvent(actor: caller.auditActor, action: "agent.token.revoked", object: object), in: tx)
                return id
            }
        }
        forget(id)
        return id
    }

    /// The next question about this token goes to the store.
    func forget(_ id: String) {
        known.withLockedValue { known in known = known.filter { $0.value.id != id } }
        goodUntil.withLockedValue { _ = $0.removeValue(forKey: id) }
    }

    // MARK: Agents' side

    /// Whose token this is.
    /// - Throws: 401 `not_signed_in`.
    public func authenticate(_ token: String, address: String) async throws(GatewayError) -> Agent {
        guard Self.isAgentToken(token), token.utf8.count <= 128 else { throw .agentNotSignedIn }
        let hash = SecretToken.hash(token)
        let now = Timestamp.now()
        if let found = known.withLockedValue({ $0[hash] }), found.until > now {
            return Agent(id: found.id, name: found.name, ownerID: found.ownerID, address: address)
        }
        let tenant = tenant
        let agent = try await GatewayError.mapping {
            try await store.transaction { tx -> Agent? in
                let row = try tx.row(
                    """
                    SELECT id, name, owner FROM agent WHERE tenant = \(tenant) AND token_hash = \(hash)
                        AND revoked IS NULL AND (expires IS NULL OR expires > \(now))
                    """)
                guard let row else { return nil }
                let id = try row.text("id")
                try tx.execute("UPDATE agent SET last_used = \(now) WHERE tenant = \(tenant) AND id = \(id)")
                return Agent(id: id, name: try row.text("name"), ownerID: try row.text("owner"), address: address)
            }
        }
        guard let agent else { throw .agentNotSignedIn }
        known.withLockedValue { known in
            if known.count >= Self.remembered { known = [:] }
            known[hash] = Known(id: agent.id, name: agent.name, ownerID: agent.ownerID, until: now + Self.memory)
        }
        goodUntil.withLockedValue { $0[agent.id] = now + Self.memory }
        return agent
    }

    /// Whether an agent that was let in a moment ago still has a good token: asked while it waits.
    func check(_ agent: Agent) async throws(GatewayError) {
        let now = Timestamp.now()
        if let until = goodUntil.withLockedValue({ $0[agent.id] }), until > now { return }
        guard try await good([agent.id]).contains(agent.id) else { throw .agentNotSignedIn }
        goodUntil.withLockedValue { good in
            if good.count >= Self.remembered { good = [:] }
            good[agent.id] = now + Self.memory
        }
    }

    /// Those of these agents whose token is still good.
    func good(_ ids: Set<String>) async throws(GatewayError) -> Set<String> {
        let (tenant, now) = (tenant, Timestamp.now())
        return try await GatewayError.mapping {
            try await store.read { tx in
                var good: Set<String> = []
                for row in try tx.rows(
                    """
                    SELECT id FROM agent WHERE tenant = \(tenant) AND revoked IS NULL
                        AND (expires IS NULL OR expires > \(now))
                    """)
                {
                    let id = try row.text("id")
                    if ids.contains(id) { good.insert(id) }
                }
                return good
            }
        }
    }
}
