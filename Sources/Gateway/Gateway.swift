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
    public let fileService: FileService
    /// AI agents: what they ask for, and what people let them do.
    public let agents: AgentService
    public let checkpoints: CheckpointWriter
    /// Checks the audit log's checkpoints.
    public let auditVerifier: AuditVerifierKey
    /// The folder of the audit log's checkpoints, outside the database's.
    public let checkpointFolder: String
    public let macros: Macros
    public let push: Push
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
    /// - Parameter clock: by which requests, questions and grants of agents run out.
    public static func open(
        _ configuration: Configuration, environment: [String: String], loops: any EventLoopGroup, logger: Logger,
        clock: @escaping @Sendable () -> Timestamp = { .now() }
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
        let people = try People(store: store, audit: audit, vault: vault, policy: policy)
        let hosts = Hosts(
            store: store, vault: vault, audit: audit, policy: policy, tenant: tenant,
            allowedAddresses: configuration.allowedAddresses, loops: loops)
        let services = Services(
            tenant: tenant, store: store, vault: vault, audit: audit, policy: policy, people: people, hosts: hosts,
            settings: Settings(store: store, audit: audit, policy: policy, tenant: tenant),
            notices: Notices(store: store, tenant: tenant, logger: logger),
            auditQueue: AuditQueue(), logger: logger)
        let files = try RecordingFiles(folder: configuration.recordings, tenant: tenant, vault: vault, store: store)
        let faults = logger
        let sessions = Sessions(services: services, files: files, loops: loops, logger: logger)
        let fileService = FileService(sessions: sessions, services: services)
        return Gateway(
            services: services, sessions: sessions,
            recordings: Recordings(services: services, files: files),
            teams: Teams(services: services, sessions: sessions),
            handoffs: Handoffs(services: services, sessions: sessions),
            fileService: fileService,
            agents: AgentService(
                services: services, sessions: sessions, files: fileService, address: configuration.address(),
                clock: clock),
            checkpoints: CheckpointWriter(log: audit, directory: configuration.checkpoints, key: signingKey) { error in
                faults.error("A checkpoint of the audit log could not be written.", metadata: ["error": "\(error)"])
            },
            auditVerifier: signingKey.verifier, checkpointFolder: configuration.checkpoints,
            macros: Macros(services: services), push: try push(configuration, services, loops), files: files,
            logger: logger)
    }

    private static func push(
        _ configuration: Configuration, _ services: Services, _ loops: any EventLoopGroup
    ) throws -> Push {
        let client: PushClient
        do {
            client = try PushClient(
                addresses: PushAddresses(allowed: configuration.pushAddresses),
                authorityFile: configuration.pushAuthority, loops: loops)
        } catch {
            throw GatewayError(
                "authority_unreadable", status: 500,
                "The certificates for push services in \(configuration.pushAuthority ?? "the system") can't be used.",
                hint: "push_authority names a PEM file that this account may read.")
        }
        return Push(
            devices: PushDevices(store: services.store, vault: services.vault, tenant: tenant), audit: services.audit,
            contact: configuration.http ? "mailto:copilot@localhost" : configuration.address(), logger: services.logger
        ) { request throws(PushFailure) in try await client.send(request) }
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
            let agents = agents
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
            let telling = Task { await tell() }
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
            group.addTask { await agents.run() }
            await group.waitForAll()
            await sessions.shutdown()
            services.notices.finish()
            push.finish()
            await telling.value
            services.auditQueue.finish()
            await queue.value
            signing.cancel()
            await signing.value
            await files.shutdown()
        }
    }

    /// Keeps notices and hands them to people's devices. What is not on its way when the copilot stops stays in the inbox.
    private func tell() async {
        do { _ = try await push.publicKey() } catch {
            logger.error("The key for push messages can't be made.", metadata: ["error": "\(error)"])
        }
        let (notices, push) = (services.notices, push)
        services.hosts.onKeyAlert { host in
            let text = "\(host.alias) shows another key than the recorded one: nothing is sent to it."
            notices.notify(role: "admin", kind: .hostKeyChanged, text: text, link: "/hosts/\(host.id)/key")
        }
        let (told, tells) = AsyncStream<Notice>.makeStream(bufferingPolicy: .bufferingNewest(1000))
        let (revoked, revokes) = AsyncStream<Revocation>.makeStream()
        notices.onNotice { tells.yield($0) }
        services.people.onRevoked { revokes.yield($0) }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { for await notice in told { await push.deliver(notice) } }
            group.addTask { await push.run() }
            group.addTask { for await revocation in revoked { await push.forget(revocation) } }
            await notices.run()
            group.cancelAll()
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
