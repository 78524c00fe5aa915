import Foundation
public import Gateway
public import Logging
public import NIOCore
import SSH
import SSHKeys
import SSHProtocol

/// The copilot's own SSH port: the menu, hosts by their alias, and `-J` through it.
///
/// ```swift
/// let door = try await SSHDoor.open(settings, gateway: gateway, group: group, logger: logger)
/// print("ssh -p \(door.port) ada@localhost")
/// await door.shutdown()
/// ```
public final class SSHDoor: Sendable {
    private let server: SSHServer
    private let core: DoorCore
    private let watch: Task<Void, Never>

    private init(_ server: SSHServer, _ core: DoorCore) {
        self.server = server
        self.core = core
        watch = Task { await core.watchSignIns() }
    }

    deinit { watch.cancel() }

    /// Listens where the configuration says. Host key and authority are made at first use.
    ///
    /// - Throws: `listen_failed`, `ssh_key_file`.
    public static func open(
        _ configuration: Configuration, gateway: Gateway, group: any EventLoopGroup, logger: Logger
    ) async throws(GatewayError) -> SSHDoor {
        let key = try DoorKeyFile.loadOrCreate(
            configuration.data + "/ssh/host_key", comment: "host key of SSH Copilot")
        let authority = try HostAuthority(configuration)
        let core = DoorCore(gateway, key: key, authority: authority, logger: logger)
        let names = configuration.acceptedNames.map(Self.withoutPort) + [configuration.sshBind]
        let server = SSHServer(
            configuration: DoorCore.configuration([try authority.certified(key, names: names)]),
            handlers: core.handlers(through: nil), group: group)
        do throws(SSHError) {
            try await server.listen(on: .tcp(host: configuration.sshBind, port: configuration.sshPort))
        } catch {
            throw GatewayError(
                "listen_failed", status: 500, "The SSH port can't be opened: \(error.description)",
                hint: "Choose another with --ssh-port, or leave it closed with --no-ssh.")
        }
        gateway.people.onRevoked { [weak core] revocation in core?.apply(revocation) }
        return SSHDoor(server, core)
    }

    /// A name of the page without its port and brackets: what a client compares a certificate with.
    private static func withoutPort(_ name: String) -> String {
        if name.hasPrefix("[") { return String(name.dropFirst().prefix { $0 != "]" }) }
        return String(name.prefix { $0 != ":" })
    }

    /// The port that was taken.
    public var port: Int { server.port }

    /// Nobody comes in any more, and whoever is in is told and put out.
    public func shutdown() async {
        watch.cancel()
        core.visits.close()
        for visit in core.visits.all() { visit.end("The copilot is being stopped.") }
        await server.shutdown(grace: .milliseconds(500))
    }
}

/// What all connections at the door share.
final class DoorCore: Sendable {
    let gateway: Gateway
    let visits = Visits()
    private let key: SSHPrivateKey
    private let authority: HostAuthority
    private let logger: Logger

    init(_ gateway: Gateway, key: SSHPrivateKey, authority: HostAuthority, logger: Logger) {
        self.gateway = gateway
        self.key = key
        self.authority = authority
        self.logger = logger
    }

    static func configuration(_ hostKeys: [HostKey]) -> SSHServerConfiguration {
        var configuration = SSHServerConfiguration(hostKeys: hostKeys)
        configuration.core.authenticationMethods = ["publickey", "keyboard-interactive", "password"]
        configuration.core.loginGraceTime = .seconds(60)
        configuration.core.maximumSessions = 64
        // A terminal's worth of programs; what git and terminals of today look at beside it.
        configuration.acceptedEnvironment += ["GIT_PROTOCOL", "TERM_PROGRAM", "TERM_PROGRAM_VERSION", "TZ"]
        // An Ansible run comes with fifty at once from one address.
        configuration.startups = StartupLimits(start: 64, rate: 30, full: 256, perSource: 64)
        // Everybody on this machine, and behind a proxy on it, has the same address.
        configuration.penalties?.isExempt = { address in
            AddressRange.loopback.contains { $0.contains(address) }
        }
        configuration.maximumListeners = 16
        return configuration
    }

    // MARK: Handlers

    /// - Parameter through: The visit whose tunnel the connection comes through, and the host that it is for.
    func handlers(through: (visit: Visit, host: SessionHost)?) -> SSHServerHandlers {
        let signIn = DoorSignIn(people: gateway.people, visits: visits, through: through)
        var handlers = SSHServerHandlers { request, connection in await signIn.decide(request, connection) }
        handlers.mayOfferKey = { _, identity, connection in await signIn.knows(identity, connection) }
        handlers.sessionDelegate = { [self] channel in
            guard let visit = visits.visit(channel.connection) else { return nil }
            return DoorSession(channel, visit, gateway)
        }
        // Asked for each connection, so that the client can be told in words.
        handlers.allowsAgentForwarding = { _ in true }
        handlers.permits = { [self] permission, connection in
            if permission == .agentForwarding { visits.visit(connection)?.noteAgentRefused() }
            return permission == .terminal
        }
        handlers.forwarding = SSHServerForwarding(
            connect: { [self] endpoint, connection in await self.connect(endpoint, connection) },
            listen: { [self] endpoint, connection in await self.listen(endpoint, connection) })
        handlers.observe = { [self] event in observe(event) }
        return handlers
    }

    private func observe(_ event: SSHServerEvent) {
        switch event {
        case .closed(let connection, _): closed(connection)
        case .refused(let why, let address):
            logger.notice("An SSH connection was not taken in.", metadata: ["why": "\(why)", "address": "\(address)"])
        case .connected, .authenticated: break
        }
    }

    private func closed(_ connection: SSHServerConnection) {
        let (visit, offers) = visits.leave(connection)
        let people = gateway.people
        if let visit {
            visit.loop.links.end()
            Task { await people.connectionEnded(visit.caller) }
        } else if !offers.isEmpty {
            let address = connection.remoteAddress?.ipAddress ?? ""
            Task { await people.refusedAtSSH(address: address, fingerprints: offers) }
        }
    }

    // MARK: Connections through us

    private func connect(_ endpoint: SSHForwardEndpoint, _ connection: SSHServerConnection) async -> SSHConnectDecision
    {
        guard let visit = visits.visit(connection), case .tcp(let name, let port) = endpoint else {
            return .refuse(.administrativelyProhibited, "Sockets of hosts are not carried.")
        }
        let caller = visit.caller
        do throws(GatewayError) {
            if case .host(let alias) = visit.destination,
                let host = try await gateway.hosts.reachable(alias, caller: caller)
            {
                return try tunnel(Destination(host: name, port: port), through: host, visit)
            }
            // ssh -J: the name is an alias, and we answer as that host. Nothing else is reached from here.
            guard let host = try await gateway.hosts.reachable(name, caller: caller) else {
                return .refuse(.administrativelyProhibited, DoorWords.unknownHost(name))
            }
            let server = try answering(as: host, named: name, visit)
            let address = connection.remoteAddress
            return .handle { incoming in server.serve(incoming, from: address) }
        } catch {
            return .refuse(.administrativelyProhibited, error.error)
        }
    }

    private func tunnel(
        _ destination: Destination, through host: SessionHost, _ visit: Visit
    ) throws(GatewayError) -> SSHConnectDecision {
        let sessions = gateway.sessions
        try sessions.requireTunnel(
            to: destination.description, address: destination.address, on: host, caller: visit.caller)
        return .handle { incoming in
            Tunnel.open(incoming, for: visit, through: host, to: destination.description, sessions: sessions)
        }
    }

    /// A server for one connection, which answers as a host with a certificate of our authority.
    private func answering(as host: SessionHost, named name: String, _ visit: Visit) throws(GatewayError) -> SSHServer {
        var configuration = Self.configuration([try authority.certified(key, names: [host.alias, name])])
        // Its address was admitted, and counted, at the outer door.
        configuration.penalties = nil
        // The outer connection hides the rhythm of key strokes already.
        configuration.core.advertisesPing = false
        // The key is the copilot's: no client is to note it down as the host's.
        configuration.core.announcesHostKeys = false
        return SSHServer(configuration: configuration, handlers: handlers(through: (visit, host)))
    }

    // MARK: Listeners at hosts

    private func listen(_ endpoint: SSHForwardEndpoint, _ connection: SSHServerConnection) async -> SSHListenDecision {
        guard let visit = visits.visit(connection), case .host(let alias) = visit.destination,
            case .tcp(let asked, let port) = endpoint
        else { return .refuse }
        let (caller, sessions, eventLoop) = (visit.caller, gateway.sessions, connection.eventLoop)
        do {
            guard let host = try await gateway.hosts.reachable(alias, caller: caller) else { return .refuse }
            // The host's loopback alone, whatever was asked for.
            try sessions.requireTunnel(to: "listen localhost:\(port)", address: nil, on: host, caller: caller)
            let leased = try await eventLoop.flatSubmit {
                let link = visit.loop.links.lease(host, caller: caller, sessions: sessions)
                let bound = NIOLoopBound(link, eventLoop: eventLoop)
                return link.connection.map { ($0, bound) }
            }.get()
            let giveBack: @Sendable () -> Void = {
                eventLoop.execute { visit.loop.links.giveBack(leased.1.value) }
            }
            let address = TCPAddress(host: asked, port: UInt32(clamping: port))
            do {
                let forward = try await leased.0.listen(on: .tcp(host: "localhost", port: port)) { incoming in
                    Tunnel.carry(incoming, asked: address, for: visit, through: host, sessions: sessions)
                }
                sessions.noteTunnel(
                    "tunnel.listen", "localhost:\(forward.listening.port ?? port)", on: host, caller: caller)
                return .handle(port: forward.listening.port ?? port) {
                    Task { await forward.close() }
                    giveBack()
                }
            } catch {
                giveBack()
                return .refuse
            }
        } catch {
            return .refuse
        }
    }

    // MARK: Rights that change

    /// Asks each second whether everybody who is in may still be: a command line on this machine, or time, may have ended
    /// a sign-in that this process was not told about.
    func watchSignIns() async {
        while (try? await Task.sleep(for: .seconds(1))) != nil {
            for visit in visits.all() {
                let known = visit.caller
                do throws(GatewayError) {
                    let now = try await gateway.people.caller(
                        userID: known.userID, signInID: known.signInID, address: known.address)
                    guard now.role != known.role else { continue }
                    visit.change(role: now.role)
                    visit.reauthorise()
                } catch {
                    // When the database can't be asked at the moment, what was granted stands.
                    if error.code == "not_signed_in" { visit.end(DoorWords.signedOut) }
                }
            }
        }
    }

    /// Somebody lost a right: whoever is in by SSH loses it now.
    func apply(_ revocation: Revocation) {
        switch revocation {
        case .user(let id):
            for visit in visits.all(where: { $0.userID == id }) { visit.end(DoorWords.signedOut) }
        case .signIn(let id, _):
            for visit in visits.all(where: { $0.signInID == id }) { visit.end(DoorWords.signedOut) }
        case .roleChanged(let id):
            let (people, visits) = (gateway.people, visits)
            Task {
                guard let user = try? await people.user(id: id) else { return }
                for visit in visits.all(where: { $0.userID == id }) {
                    visit.change(role: user.role)
                    visit.reauthorise()
                }
            }
        }
    }
}
