import Crypto
import Foundation
import Storage
import Vault

/// A browser that a person wants to be told by.
public struct PushDevice: Sendable, Hashable {
    public let id: String
    public let userID: String
    /// What the person or the page calls it.
    public let name: String
    public let createdAt: Timestamp
    public let lastSentAt: Timestamp?

    init(_ row: SQLRow) throws(StorageError) {
        id = try row.text("id")
        userID = try row.text("person")
        name = try row.text("name")
        createdAt = try row.time("created")
        lastSentAt = try row.optionalTime("sent")
    }
}

/// Where subscriptions are kept: sealed, since whoever has one can send to that browser.
struct PushDevices: Sendable {
    /// How many browsers one person may have.
    static let limit = 20

    let store: Store
    let vault: Vault
    let tenant: String

    static let migrations: [Migration] = [
        Migration(
            "push-1",
            [
                """
                CREATE TABLE push_device (
                    tenant TEXT NOT NULL,
                    id TEXT NOT NULL,
                    person TEXT NOT NULL,
                    sign_in TEXT NOT NULL,
                    name TEXT NOT NULL,
                    endpoint_hash \(type: .bytes) NOT NULL,
                    subscription \(type: .bytes) NOT NULL,
                    created \(type: .integer) NOT NULL,
                    sent \(type: .integer),
                    failures \(type: .integer) NOT NULL,
                    PRIMARY KEY (tenant, id),
                    UNIQUE (tenant, endpoint_hash),
                    FOREIGN KEY (tenant, person) REFERENCES person (tenant, id)
                ) \(clause: .strict)
                """,
                "CREATE INDEX push_device_by_person ON push_device (tenant, person)",
                """
                CREATE TABLE push_key (
                    tenant TEXT NOT NULL PRIMARY KEY,
                    sealed \(type: .bytes) NOT NULL,
                    created \(type: .integer) NOT NULL
                ) \(clause: .strict)
                """,
            ])
    ]

    // MARK: Keys

    /// The key by which push services know this copilot: made once, sealed by the vault. Browsers are subscribed to it,
    /// so a new one would silence all of them.
    func signingKey() async throws(GatewayError) -> P256.Signing.PrivateKey {
        let place = RecordIdentity(tenant: tenant, table: "push_key", row: tenant, column: "sealed")
        let tenant = tenant
        return try await GatewayError.mapping {
            let made = P256.Signing.PrivateKey()
            let sealedNew = try await vault.seal(SecretBytes(Array(made.rawRepresentation)), for: place)
            let sealed = try await store.transaction { tx in
                try tx.execute(
                    """
                    INSERT INTO push_key (tenant, sealed, created) VALUES (\(tenant), \(sealedNew), \(Timestamp.now()))
                    ON CONFLICT (tenant) DO NOTHING
                    """)
                return try tx.row("SELECT sealed FROM push_key WHERE tenant = \(tenant)")?.bytes("sealed") ?? []
            }
            let secret = try await vault.open(sealed, for: place)
            return try secret.withBytes { try P256.Signing.PrivateKey(rawRepresentation: Data($0)) }
        }
    }

    // MARK: Devices

    private func place(_ id: String) -> RecordIdentity {
        RecordIdentity(tenant: tenant, table: "push_device", row: id, column: "subscription")
    }

    func list(userID: String) async throws(GatewayError) -> [PushDevice] {
        let tenant = tenant
        return try await GatewayError.mapping {
            try await store.read { tx in
                try tx.rows(
                    """
                    SELECT id, person, name, created, sent FROM push_device
                    WHERE tenant = \(tenant) AND person = \(userID) ORDER BY created, id
                    """
                ).map { row throws(StorageError) in try PushDevice(row) }
            }
        }
    }

    /// Keeps a subscription. The browser's former one, or somebody else's who signed in with the same browser before,
    /// is replaced: a browser tells one person.
    func add(
        _ subscription: PushSubscription, name: String, caller: Caller
    ) async throws(GatewayError) -> PushDevice {
        let id = Identifier.make("psh")
        let (tenant, now) = (tenant, Timestamp.now())
        let hash = Array(SHA256.hash(data: Data(subscription.endpoint.utf8)))
        return try await GatewayError.mapping {
            let sealed = try await vault.seal(
                SecretBytes(Array(try JSONEncoder().encode(subscription))), for: place(id))
            return try await store.transaction { tx in
                try tx.execute("DELETE FROM push_device WHERE tenant = \(tenant) AND endpoint_hash = \(hash)")
                let count = try tx.row(
                    "SELECT count(*) AS count FROM push_device WHERE tenant = \(tenant) AND person = \(caller.userID)")
                guard try count?.integer("count") ?? 0 < Self.limit else {
                    throw GatewayError.conflict(
                        "too_many_devices", "You have \(Self.limit) devices that are told by push.",
                        hint: "Remove one that you no longer use.")
                }
                try tx.execute(
                    """
                    INSERT INTO push_device
                        (tenant, id, person, sign_in, name, endpoint_hash, subscription, created, failures)
                    VALUES (\(tenant), \(id), \(caller.userID), \(caller.signInID), \(name), \(hash), \(sealed),
                        \(now), 0)
                    """)
                guard
                    let row = try tx.row(
                        """
                        SELECT id, person, name, created, sent FROM push_device
                        WHERE tenant = \(tenant) AND id = \(id)
                        """)
                else { throw GatewayError.notFound("device") }
                return try PushDevice(row)
            }
        }
    }

    /// - Returns: whether it was there.
    @discardableResult
    func remove(_ id: String, userID: String?) async throws(GatewayError) -> Bool {
        let tenant = tenant
        return try await GatewayError.mapping {
            try await store.transaction { tx in
                try tx.execute(
                    """
                    DELETE FROM push_device WHERE tenant = \(tenant) AND id = \(id)
                        AND person = coalesce(\(userID), person)
                    """)
                return tx.changes > 0
            }
        }
    }

    /// Whoever signs out, or is disabled, is told no more at that browser.
    func remove(after revocation: Revocation) async throws(GatewayError) {
        let tenant = tenant
        try await GatewayError.mapping {
            try await store.transaction { tx in
                switch revocation {
                case .user(let id):
                    try tx.execute("DELETE FROM push_device WHERE tenant = \(tenant) AND person = \(id)")
                case .signIn(let id, _):
                    try tx.execute("DELETE FROM push_device WHERE tenant = \(tenant) AND sign_in = \(id)")
                case .roleChanged: break
                }
            }
        }
    }

    func subscription(of device: PushDevice) async throws(GatewayError) -> PushSubscription? {
        let tenant = tenant
        return try await GatewayError.mapping {
            let sealed = try await store.read { tx in
                try tx.row("SELECT subscription FROM push_device WHERE tenant = \(tenant) AND id = \(device.id)")?
                    .bytes("subscription")
            }
            guard let sealed else { return nil }
            let secret = try await vault.open(sealed, for: place(device.id))
            return try secret.withArray { try JSONDecoder().decode(PushSubscription.self, from: Data($0)) }
        }
    }

    /// Counts failures that follow one another; a success begins anew.
    /// - Returns: how many there are now.
    func delivered(_ device: PushDevice, isSuccess: Bool) async throws(GatewayError) -> Int {
        let (tenant, now) = (tenant, Timestamp.now())
        return try await GatewayError.mapping {
            try await store.transaction { tx in
                if isSuccess {
                    try tx.execute(
                        """
                        UPDATE push_device SET sent = \(now), failures = 0
                        WHERE tenant = \(tenant) AND id = \(device.id)
                        """)
                    return 0
                }
                try tx.execute(
                    "UPDATE push_device SET failures = failures + 1 WHERE tenant = \(tenant) AND id = \(device.id)")
                let row = try tx.row(
                    "SELECT failures FROM push_device WHERE tenant = \(tenant) AND id = \(device.id)")
                return Int(try row?.integer("failures") ?? 0)
            }
        }
    }
}
