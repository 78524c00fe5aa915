import Gateway
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle

/// The web face of the gateway: the page, the REST API and the terminals' WebSocket, on one port.
///
/// It listens when ``run()`` is called and stops when the surrounding service group does, or its task is cancelled:
/// requests finish, WebSockets are told 1001, and what then still is open is closed after `WebLimits.stopTime`.
///
/// ```swift
/// let server = WebServer(configuration: configuration, gateway: gateway, logger: logger)
/// try await server.run()
/// ```
public struct WebServer: Service {
    private let configuration: WebConfiguration
    private let gateway: Gateway
    private let group: any EventLoopGroup
    private let logger: Logger

    /// - Parameter group: the event loops of the connections. Sessions on the same loops are reached without a
    ///   change of threads.
    public init(
        configuration: WebConfiguration, gateway: Gateway,
        group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton, logger: Logger
    ) {
        self.configuration = configuration
        self.gateway = gateway
        self.group = group
        self.logger = logger
    }

    /// Listens and serves.
    /// - Throws: `WebServerError` when the configuration cannot be served: the port is taken, a certificate is
    ///   unusable.
    public func run() async throws {
        let cookies = CookieNames(isEncrypted: configuration.isEncrypted)
        let routes = try await Self.routes(configuration: configuration, gateway: gateway, cookies: cookies)
        let service = HTTPService(
            configuration: configuration, routes: routes, cookies: cookies, group: group, logger: logger)
        try await service.run()
    }

    /// Every call of the API.
    static func routes(
        configuration: WebConfiguration, gateway: Gateway, cookies: CookieNames
    ) async throws -> RouteTable {
        let people = gateway.people
        let tokens = try await AccessTokens()
        let sessions = gateway.sessions
        var authentication = Authentication(
            tokens: tokens, cookies: cookies,
            findCaller: { userID, signInID, address in
                try await people.caller(userID: userID, signInID: signInID, address: address)
            },
            findGuest: { secret, address in try sessions.guest(secret: secret, address: address) })
        authentication.agents = gateway.agents
        let routes = RouteTable(authentication: authentication, limits: configuration.limits)
        SystemRoutes(serverName: configuration.serverName, version: configuration.version) {
            try await people.isSetupRequired()
        }.add(to: routes)
        SignInRoutes(people: people, cookies: SignInCookies(names: cookies, tokens: tokens)).add(to: routes)
        SecondFactorRoutes(people: people).add(to: routes)
        PeopleRoutes(people: people, policy: gateway.policy, scheme: configuration.isEncrypted ? "https" : "http")
            .add(to: routes)
        TeamRoutes(teams: gateway.teams).add(to: routes)
        JoinRoutes(sessions: sessions, authentication: authentication, cookies: cookies).add(to: routes)
        HostRoutes(hosts: gateway.hosts, sessions: gateway.sessions).add(to: routes)
        ImportRoutes(hosts: gateway.hosts).add(to: routes)
        let sockets = TerminalSockets()
        let agents = AgentRoutes(agents: gateway.agents)
        SessionRoutes(sessions: gateway.sessions, sockets: sockets, agents: agents).add(to: routes)
        agents.add(to: routes)
        FileRoutes(files: gateway.fileService, agents: agents).add(to: routes)
        MCPRoute(agents: gateway.agents, version: configuration.version).add(to: routes)
        AgentDecisionRoutes(agents: gateway.agents).add(to: routes)
        SharingRoutes(
            sessions: sessions, handoffs: gateway.handoffs, scheme: configuration.isEncrypted ? "https" : "http"
        ).add(to: routes)
        RecordingRoutes(recordings: gateway.recordings).add(to: routes)
        AuditRoutes(gateway: gateway).add(to: routes)
        SettingsRoutes(settings: gateway.settings).add(to: routes)
        TrustRoutes(transport: configuration.transport).add(to: routes)
        MacroRoutes(macros: gateway.macros).add(to: routes)
        InboxRoutes(notices: gateway.services.notices, push: gateway.push).add(to: routes)
        TerminalRoute(endpoint: terminals(gateway, sockets), limits: configuration.limits) { caller in
            await isSignedIn(caller, sessions)
        }.add(to: routes)
        return routes
    }

    /// A store that cannot answer just now ends no connection.
    private static func isSignedIn(_ caller: Caller, _ sessions: Sessions) async -> Bool {
        do {
            _ = try await sessions.current(caller)
            return true
        } catch {
            return error.status != 401
        }
    }

    /// The terminals' side of the WebSocket. Whoever signs out, or is disabled, loses the connections at once.
    private static func terminals(_ gateway: Gateway, _ sockets: TerminalSockets) -> SessionTerminals {
        gateway.people.onRevoked { revocation in
            switch revocation {
            case .user(let id): sockets.close(where: { $0.userID == id }, reason: "The sign-in has ended.")
            case .signIn(let id, _): sockets.close(where: { $0.signInID == id }, reason: "The sign-in has ended.")
            // The connection stays: each session judges its seats again by itself.
            case .roleChanged: break
            }
        }
        return SessionTerminals(sessions: gateway.sessions, sockets: sockets)
    }
}
