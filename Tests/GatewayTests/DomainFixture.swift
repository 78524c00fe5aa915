import Audit
import Foundation
import NIOPosix
import Policy
import Storage
import Synchronization
import Vault

@testable import Gateway

/// A clock that only the test moves.
final class TestClock: Sendable {
    private let time = Mutex(Timestamp(microseconds: 1_800_000_000_000_000))

    var now: Timestamp { time.withLock { $0 } }

    func advance(_ duration: Duration) {
        time.withLock { $0 = $0 + duration }
    }
}

/// The domain on a database in memory, with its first admin.
struct DomainFixture: Sendable {
    static let password = "correct horse battery"

    let clock = TestClock()
    let store: Store
    let audit: AuditLog
    let vault: Vault
    let people: People
    let hosts: Hosts
    let settings: Settings

    init(allowedAddresses: [String] = []) async throws {
        store = try Store.open(path: ":memory:")
        try await store.migrate(Schema.migrations)
        audit = AuditLog(store: store, tenant: "t1")
        vault = Vault(rootKey: RootKey(), store: store)
        let clock = self.clock
        people = try People(store: store, audit: audit, vault: vault, clock: { clock.now })
        hosts = Hosts(
            store: store, vault: vault, audit: audit, policy: .standard, tenant: "t1",
            allowedAddresses: allowedAddresses.compactMap(AddressRange.init),
            loops: MultiThreadedEventLoopGroup.singleton)
        settings = Settings(store: store, audit: audit, policy: .standard, tenant: "t1")
    }

    /// Makes the first admin as a newcomer does.
    func firstAdmin() async throws -> Caller {
        guard let token = try await people.firstAdminToken() else { throw GatewayError.notFound("token") }
        let signIn = try await people.redeem(
            token: token, username: "ada", name: "Ada", password: Self.password, address: "127.0.0.1")
        return try await caller(signIn)
    }

    func caller(_ signIn: SignIn) async throws -> Caller {
        try await people.caller(userID: signIn.user.id, signInID: signIn.signInID, address: "127.0.0.1")
    }

    /// Adds a person with a password and signs them in.
    func person(_ admin: Caller, _ username: String, role: String) async throws -> Caller {
        _ = try await people.add(
            admin, username: username, name: username.capitalized, role: role, password: Self.password)
        return try await caller(signIn(username))
    }

    func signIn(_ username: String, _ password: String = password, from address: String = "127.0.0.1") async throws
        -> SignIn
    {
        try await people.signIn(username: username, password: password, address: address, device: "test")
    }

    /// The actions in the audit log, oldest first.
    func actions() async throws -> [String] {
        try await audit.entries(limit: 1000).reversed().map(\.event.action)
    }

    /// The code of the error that `body` throws.
    func code(_ body: () async throws -> some Any) async -> String? {
        await error(body)?.code
    }

    func error(_ body: () async throws -> some Any) async -> GatewayError? {
        do {
            _ = try await body()
            return nil
        } catch {
            return error as? GatewayError
        }
    }
}
