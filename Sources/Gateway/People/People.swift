import Audit
import Policy
import Storage
import Vault

/// The people who may use this gateway: their accounts, how they prove who they are, and how long that holds.
public struct People: Sendable {
    let store: Store
    let audit: AuditLog
    /// Seals the secrets of second factors.
    let vault: Vault
    let policy: PolicyTable
    let clock: @Sendable () -> Timestamp
    let passwords: PasswordHash
    let throttle = SignInThrottle()
    let cache = SignInCache()
    let listeners = RevocationListeners()

    var tenant: String { audit.tenant }

    /// - Parameters:
    ///   - audit: the log of the tenant whose people these are.
    ///   - clock: the wall clock; tests turn it.
    public init(
        store: Store, audit: AuditLog, vault: Vault, policy: PolicyTable = .standard,
        clock: @escaping @Sendable () -> Timestamp = { .now() }
    ) throws(GatewayError) {
        self.store = store
        self.audit = audit
        self.vault = vault
        self.policy = policy
        self.clock = clock
        passwords = try PasswordHash()
    }

    /// Calls `listener` after each change that takes a right from somebody, on the thread that made the change. It must
    /// be quick.
    public func onRevoked(_ listener: @escaping @Sendable (Revocation) -> Void) {
        listeners.add(listener)
    }

    /// Whether nobody can administer this gateway yet.
    public func isSetupRequired() async throws(GatewayError) -> Bool {
        try await GatewayError.mapping {
            try await store.read { [tenant] tx in try PersonRow.adminCount(tenant: tenant, in: tx) == 0 }
        }
    }

    /// All people for those who manage them; for others the active ones, with what a colleague may know.
    public func users(_ caller: Caller) async throws(GatewayError) -> [User] {
        let isManager = policy.decide(caller.subject, .userManage).isAllowed
        let users = try await GatewayError.mapping {
            try await store.read { [tenant] tx in
                try tx.rows("SELECT * FROM person WHERE tenant = \(tenant) ORDER BY username").map { try User($0) }
            }
        }
        return isManager ? users : users.filter { !$0.disabled }.map { $0.id == caller.userID ? $0 : $0.asColleague }
    }

    /// One person, for the domain itself: role and state decide about seats.
    public func user(id: String) async throws(GatewayError) -> User {
        let row = try await GatewayError.mapping {
            try await store.read { [tenant] tx in try PersonRow.find(id: id, tenant: tenant, in: tx) }
        }
        guard let row else { throw .notFound("person") }
        return row.user
    }

    /// Is this sign-in still good, and whose is it? Asked for every request; the answer may be one second old, and is
    /// forgotten at once when this process ends the sign-in.
    ///
    /// - Throws: 401 `not_signed_in`.
    public func caller(userID: String, signInID: String, address: String) async throws(GatewayError) -> Caller {
        let now = clock()
        if var known = cache.caller(signInID: signInID, now: now), known.userID == userID {
            known.address = address
            return known
        }
        let generation = cache.generation
        let row = try await GatewayError.mapping {
            try await store.read { [tenant] tx in
                try tx.row(
                    """
                    SELECT person.* FROM sign_in
                    JOIN person ON person.tenant = sign_in.tenant AND person.id = sign_in.person
                    WHERE sign_in.tenant = \(tenant) AND sign_in.id = \(signInID) AND person.id = \(userID)
                        AND sign_in.ended IS NULL AND sign_in.expires > \(now) AND NOT person.disabled
                    """
                ).map { try User($0) }
            }
        }
        guard let user = row else {
            throw GatewayError(
                "not_signed_in", status: 401, "Your sign-in has ended.", hint: "Sign in again.")
        }
        let caller = Caller(
            tenant: tenant, userID: user.id, username: user.username, name: user.name, role: user.role,
            signInID: signInID, address: address)
        cache.remember(caller, generation: generation, now: now)
        return caller
    }

    /// Forgets what was remembered and tells those who hold live seats.
    func announce(_ revocations: [Revocation]) {
        for revocation in revocations {
            switch revocation {
            case .user(let id), .signIn(_, let id), .roleChanged(let id): cache.forget(userID: id)
            }
        }
        listeners.tell(revocations)
    }
}

/// A person with the password's hash, which never leaves this folder.
struct PersonRow: Sendable {
    let user: User
    let password: String?

    init(_ row: SQLRow) throws(StorageError) {
        user = try User(row)
        password = try row.optionalText("password")
    }

    var isActiveAdmin: Bool { user.role == "admin" && !user.disabled && password != nil }

    var auditObject: AuditObject { AuditObject(kind: "user", id: user.id, name: user.username) }

    static func find(
        id: String, tenant: String, in tx: borrowing StoreTransaction
    ) throws(StorageError) -> PersonRow? {
        guard let row = try tx.row("SELECT * FROM person WHERE tenant = \(tenant) AND id = \(id)") else { return nil }
        return try PersonRow(row)
    }

    static func find(
        username: String, tenant: String, in tx: borrowing StoreTransaction
    ) throws(StorageError) -> PersonRow? {
        let row = try tx.row("SELECT * FROM person WHERE tenant = \(tenant) AND username = \(username)")
        guard let row else { return nil }
        return try PersonRow(row)
    }

    /// How many people can administer, without those who have not chosen a password yet.
    static func adminCount(tenant: String, in tx: borrowing StoreTransaction) throws(StorageError) -> Int64 {
        try tx.row(
            """
            SELECT count(*) AS n FROM person
            WHERE tenant = \(tenant) AND role = 'admin' AND NOT disabled AND password IS NOT NULL
            """)?.integer("n") ?? 0
    }
}
