import LocalProcess
import NIOConcurrencyHelpers
public import NIOCore
import NIOPosix
import SFTP
public import SSH
public import SSHKeys
import SSHProtocol

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// An SSH server for the accounts of this machine: shells, commands, files and forwarding, decided on by a backend.
///
/// ```swift
/// let log = EventLog(.text, device: nil)
/// let server = try await StandaloneServer.start(
///     settings, backend: try StandaloneBackend(settings, log: log))
/// await server.drain()
/// ```
public final class StandaloneServer: Sendable {
    private let server: SSHServer
    private let backend: any ServerBackend
    private let settings: ServerSettings
    /// Public keys of this server, for people to compare.
    public let hostKeys: [SSHPublicKey]
    /// Where it listens, with the ports that were chosen.
    public let endpoints: [SSHForwardEndpoint]

    private init(
        _ server: SSHServer, _ backend: any ServerBackend, _ settings: ServerSettings, hostKeys: [SSHPublicKey],
        endpoints: [SSHForwardEndpoint]
    ) {
        self.server = server
        self.backend = backend
        self.settings = settings
        self.hostKeys = hostKeys
        self.endpoints = endpoints
    }

    /// Reads or makes the host key, and listens.
    ///
    /// - Parameters:
    ///   - settings: Checked by the backend before.
    ///   - backend: Decides who may sign in, and takes the events.
    ///   - group: Carries the connections.
    /// - Throws: `unusable_file`, `listen_failed`.
    public static func start(
        _ settings: ServerSettings, backend: any ServerBackend,
        group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
    ) async throws(StandaloneServerError) -> StandaloneServer {
        let home = LocalAccount.current()?.home ?? "/"
        let path = settings.hostKeyPath ?? HostKeyFile.defaultPath(isRoot: geteuid() == 0, home: home)
        let key = try HostKeyFile.load(path)
        let visits = Visits()
        let server = SSHServer(
            configuration: configuration(settings, key, backend), handlers: handlers(settings, backend, visits),
            group: group)
        var endpoints: [SSHForwardEndpoint] = []
        for address in settings.listenAddresses {
            do throws(SSHError) {
                endpoints.append(try await server.listen(on: .tcp(host: address, port: settings.port)))
            } catch {
                await server.shutdown(grace: .zero)
                throw StandaloneServerError(.listen, error.description, hint: error.hint)
            }
        }
        for endpoint in endpoints {
            backend.record(
                ServerEvent(
                    .listening,
                    [("address", .text(endpoint.description)), ("host_key", .text(key.publicKey.fingerprint))]))
        }
        return StandaloneServer(server, backend, settings, hostKeys: [key.publicKey], endpoints: endpoints)
    }

    private static func configuration(
        _ settings: ServerSettings, _ key: SSHPrivateKey, _ backend: any ServerBackend
    ) -> SSHServerConfiguration {
        var configuration = SSHServerConfiguration(hostKeys: [HostKey(privateKey: key)])
        configuration.core.authenticationMethods = backend.authenticationMethods
        // Key by key: authorized_keys may say "no-touch-required".
        configuration.core.requiresUserPresence = false
        // One address shall not take the places of all the others.
        configuration.startups.perSource = 20
        // Whoever is on this machine shares one address with everybody else on it.
        configuration.penalties?.isExempt = { address in
            address.ipAddress.map { $0.hasPrefix("127.") || $0 == "::1" } ?? true
        }
        return configuration
    }

    // MARK: The end

    /// Connections that stand now.
    public var connectionCount: Int { server.connections.count }

    /// Takes nobody in any more, waits for those who are there as long as the settings say, and hangs up the rest.
    public func drain() async {
        backend.record(
            ServerEvent(
                .draining,
                [("connections", .number(connectionCount)), ("seconds", .number(settings.drainSeconds))]))
        await server.shutdown(grace: .seconds(settings.drainSeconds))
        backend.record(ServerEvent(.stopped))
    }

    /// Hangs everybody up.
    public func stop() async { await server.shutdown(grace: .zero) }

    /// Reads keys and passwords again. What cannot be read leaves everything as it was, and is told as an event.
    public func reload() async {
        do throws(StandaloneServerError) {
            try await backend.reload()
            backend.record(ServerEvent(.reloaded))
        } catch {
            backend.record(ServerEvent(.warning, [("message", .text("Nothing was reloaded: \(error.description)"))]))
        }
    }

    // MARK: What it does

    private static func handlers(
        _ settings: ServerSettings, _ backend: any ServerBackend, _ visits: Visits
    ) -> SSHServerHandlers {
        let record: @Sendable (ServerEvent) -> Void = { backend.record($0) }
        var handlers = SSHServerHandlers { request, connection in
            await signIn(request, connection, backend, visits)
        }
        handlers.mayOfferKey = { username, identity, connection in
            let visitor = Visitor(connection, username: username)
            guard let why = await backend.refusal(of: identity, visitor) else { return true }
            record(
                ServerEvent(
                    .signInRefused,
                    visitor.fields + [
                        ("method", "publickey"), ("key", .text(identity.publicKey.fingerprint)), ("why", .text(why)),
                    ]))
            return false
        }
        handlers.admits = { address in
            guard !backend.admits(address) else { return true }
            record(
                ServerEvent(
                    .turnedAway,
                    [("address", .text(address?.ipAddress)), ("why", "outside of the allowed networks")]))
            return false
        }
        handlers.allowsAgentForwarding = { _ in true }
        handlers.permits = { permission, connection in
            guard let visit = visits[connection] else { return false }
            switch permission {
            case .terminal: return visit.welcome.permissions.mayUsePTY
            case .agentForwarding:
                guard case .account = visit.welcome.place else { return false }
                return visit.welcome.permissions.mayForwardAgent && !settings.refusesForwarding
            case .x11: return false
            }
        }
        handlers.forwarding = ForwardRules(settings: settings, visits: visits, record: record).forwarding
        handlers.sessionDelegate = { channel in session(channel, settings, backend, visits) }
        handlers.observe = { event in observe(event, record) }
        return handlers
    }

    private static func signIn(
        _ request: AuthorizationRequest, _ connection: SSHServerConnection, _ backend: any ServerBackend,
        _ visits: Visits
    ) async -> AuthorizationAnswer {
        let visitor = Visitor(connection, username: request.username)
        switch await backend.signIn(visitor, request) {
        case .ask(let questions): return .ask(questions)
        case .refused(let why):
            // Every client asks for "none" first, to learn the methods.
            if request.method.name != "none" {
                backend.record(
                    ServerEvent(
                        .signInRefused,
                        visitor.fields + [
                            ("method", .text(request.method.name)), ("key", .text(request.method.fingerprint)),
                            ("why", .text(why)),
                        ]))
            }
            return .refuse
        case .welcome(let welcome):
            visits[connection] = Visit(visitor: visitor, welcome: welcome)
            // Also where it ended while we were deciding.
            connection.closed.whenComplete { _ in visits[connection] = nil }
            backend.record(
                ServerEvent(
                    .signedIn,
                    visitor.fields + [
                        ("method", .text(welcome.method)), ("key", .text(request.method.fingerprint)),
                        ("person", .text(welcome.person.isEmpty ? nil : welcome.person)),
                        ("account", .text(welcome.account.name)), ("app", .text(welcome.application)),
                    ]))
            return .accept
        }
    }

    /// On the connection's loop.
    private static func session(
        _ channel: SSHServerSessionChannel, _ settings: ServerSettings, _ backend: any ServerBackend, _ visits: Visits
    ) -> (any SSHServerSessionDelegate)? {
        let record: @Sendable (ServerEvent) -> Void = { backend.record($0) }
        guard let visit = visits[channel.connection] else { return nil }
        switch SessionPlan(visit, channel.info, settings) {
        case .program(let launch):
            record(ServerEvent(.sessionStarted, channel.fields))
            return ProgramSession(channel, launch, visit, record: record) { launch in
                backend.prepare(launch, for: visit.welcome, visit.visitor)
            }
        case .files(let root, let home, let isReadOnly):
            guard let files = try? RootedFileSystem(root: root, home: home, options: .ofAccount) else {
                record(ServerEvent(.sessionRefused, channel.fields + [("why", .text("\(root) cannot be opened"))]))
                return nil
            }
            record(ServerEvent(.sessionStarted, channel.fields))
            var configuration = SFTPServerConfiguration()
            configuration.isReadOnly = isReadOnly
            return FileSession(channel, files, configuration)
        case .refused(let why):
            record(ServerEvent(.sessionRefused, channel.fields + [("why", .text(why))]))
            return nil
        }
    }

    private static func observe(_ event: SSHServerEvent, _ record: @Sendable (ServerEvent) -> Void) {
        switch event {
        case .connected(let connection):
            record(
                ServerEvent(
                    .connected,
                    [
                        ("connection", .number(connection.id)),
                        ("address", .text(connection.remoteAddress?.ipAddress?.withoutMapping)),
                        ("port", .number(connection.remoteAddress?.port)),
                    ]))
        case .refused(let why, let address):
            record(ServerEvent(.turnedAway, [("address", .text(address)), ("why", .text(why.words))]))
        case .authenticated: break
        case .closed(let connection, let error):
            record(
                ServerEvent(
                    .disconnected,
                    [
                        ("connection", .number(connection.id)), ("user", .text(connection.user?.username)),
                        ("why", .text(error?.description)),
                    ]))
        }
    }
}

extension Welcome {
    /// nil for an account.
    fileprivate var application: String? {
        if case .application(let application, _) = place { return application.name }
        return nil
    }
}

extension Visitor {
    fileprivate var fields: [(String, ServerEvent.Value?)] {
        [
            ("connection", .number(connection)), ("user", .text(username)), ("address", .text(address)),
            ("port", .number(port)),
        ]
    }
}

extension AuthorizationRequest.Method {
    fileprivate var fingerprint: String? {
        if case .publicKey(let identity, _, _) = self { return identity.publicKey.fingerprint }
        return nil
    }
}

extension ConnectionLimiter.Refusal {
    fileprivate var words: String {
        switch self {
        case .tooManyStartups: "too many connections that have not signed in"
        case .tooManyFromSource: "too many connections from this address"
        case .penalised: "kept out for what came from this address before"
        }
    }
}

extension RootedFileSystem.Options {
    /// What an account may do at a shell it may do here too.
    static var ofAccount: Self {
        var options = Self()
        options.keepsIdentityBits = true
        options.allowsOwnerChanges = true
        return options
    }
}
