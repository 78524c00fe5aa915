import Audit
import Foundation
import Logging
import NIOCore
import Policy
import Storage
import Vault

/// One copilot: everything that its faces (web, command line) call, put together in one place.
///
/// ```swift
/// let gateway = try await Gateway.open(configuration, environment: environment, loops: group, logger: logger)
/// try await gateway.run()       // until cancelled; then it ends every session in order
/// ```
public struct Gateway: Sendable {
    public let services: Services
    public let sessions: Sessions
    public let recordings: Recordings
    public let teams: Teams
    public let handoffs: Handoffs
    public let checkpoints: CheckpointWriter
    /// Checks the audit log's checkpoints.
    public let auditVerifier: AuditVerifierKey
    /// The folder of the audit log's checkpoints, outside the database's.
    public let checkpointFolder: String
    let files: RecordingFiles
    let logger: Logger

    public var people: People { services.people }
    public var hosts: Hosts { services.hosts }
    public var settings: Settings { services.settings }
    public var audit: AuditLog { services.audit }
    public var policy: PolicyTable { services.policy }

    /// The tenant of a copilot that serves one organisation.
    public static let tenant = "default"

    /// Opens the data of one copilot: makes what is missing, and refuses, with the reason, what it can't read.
    public static func open(
        _ configuration: Configuration, environment: [String: String], loops: any EventLoopGroup, logger: Logger
    ) async throws -> Gateway {
        for folder in [configuration.data, configuration.keys, configuration.checkpoints] { try makePrivate(folder) }
        let store = try Store.open(path: configuration.database)
        try await store.migrate(Schema.migrations)
        let rootKey = try rootKey(configuration, environment)
        let vault = Vault(rootKey: rootKey, store: store)
        let audit = AuditLog(store: store, tenant: tenant)
        let signingKey = try AuditSigningKey.loadOrCreate(
            path: configuration.keys + "/audit.key", name: "copilot-audit")
        let policy = PolicyTable.standard
        let people = try People(store: store, audit: audit, policy: policy)
        let hosts = Hosts(
            store: store, vault: vault, audit: audit, policy: policy, tenant: tenant,
            allowedAddresses: configuration.allowedAddresses, loops: loops)
        let services = Services(
            tenant: tenant, store: store, vault: vault, audit: audit, policy: policy, people: people, hosts: hosts,
            settings: Settings(store: store, audit: audit, policy: policy, tenant: tenant),
            auditQueue: AuditQueue(), logger: logger)
        let files = try RecordingFiles(folder: configuration.recordings, tenant: tenant, vault: vault, store: store)
        let faults = logger
        let sessions = Sessions(services: services, files: files, loops: loops, logger: logger)
        return Gateway(
            services: services, sessions: sessions,
            recordings: Recordings(services: services, files: files),
            teams: Teams(services: services, sessions: sessions),
            handoffs: Handoffs(services: services, sessions: sessions),
            checkpoints: CheckpointWriter(log: audit, directory: configuration.checkpoints, key: signingKey) { error in
                faults.error("A checkpoint of the audit log could not be written.", metadata: ["error": "\(error)"])
            },
            auditVerifier: signingKey.verifier, checkpointFolder: configuration.checkpoints, files: files,
            logger: logger)
    }

    /// A folder that is made here is nobody else's; one that was there is left as it is, and `doctor` looks at it.
    private static func makePrivate(_ folder: String) throws(GatewayError) {
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw GatewayError(
                "folder_unavailable", status: 500, "The folder \(folder) can't be made: \(error.localizedDescription).",
                hint: "Choose another with --data or --keys, or mend its owner and mode.")
        }
    }

    private static func rootKey(_ configuration: Configuration, _ environment: [String: String]) throws -> RootKey {
        let file = configuration.rootKeyFile
        if environment["COPILOT_ROOT_KEY"] == nil, !FileManager.default.fileExists(atPath: file) {
            return try RootKey.create(at: file)
        }
        return try RootKey.load(environment: environment, file: file)
    }

    /// Works until the task is cancelled; then ends every session, closes every recording and signs the log's head.
    public func run() async throws {
        try await sessions.recover()
        await withTaskGroup(of: Void.self) { group in
            let checkpoints = checkpoints
            let services = services
            let sessions = sessions
            let logger = logger
            let signing = Task { await checkpoints.run() }
            let queue = Task { await services.auditQueue.run(services.audit, logger: logger) }
            let (revocations, revoked) = AsyncStream<Revocation>.makeStream()
            services.people.onRevoked { revoked.yield($0) }
            group.addTask {
                for await revocation in revocations { await sessions.apply(revocation) }
            }
            group.addTask {
                for await _ in services.settings.changes() { await sessions.limitsChanged() }
            }
            let recordings = recordings
            group.addTask { await recordings.keepSweeping() }
            let handoffs = handoffs
            group.addTask {
                while !Task.isCancelled {
                    try? await Task.sleep(for: .seconds(1))
                    await sessions.tick()
                    await handoffs.expire()
                }
            }
            await group.waitForAll()
            await sessions.shutdown()
            services.auditQueue.finish()
            await queue.value
            signing.cancel()
            await signing.value
            await files.shutdown()
        }
    }

    /// Ends a gateway that never ran, such as a command's: what is to be audited is written and signed.
    public func close() async {
        services.auditQueue.finish()
        await services.auditQueue.run(services.audit, logger: logger)
        do { try await checkpoints.flush() } catch {
            logger.error("A checkpoint of the audit log could not be written.", metadata: ["error": "\(error)"])
        }
        await files.shutdown()
    }

    /// Checks the whole audit log against its checkpoints.
    public func verifyAudit() async throws -> AuditVerification {
        let file = CheckpointFile(directory: checkpointFolder, tenant: Self.tenant)
        return try await audit.verify(against: try file.read(verifiedBy: auditVerifier))
    }
}
