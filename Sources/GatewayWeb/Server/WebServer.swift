import Gateway
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle

/// The web face of the gateway: the page, the REST API and the terminals' WebSocket, on one port.
///
/// It listens when ``run()`` is called and stops when the surrounding service group does, or its task is cancelled:
/// requests finish, WebSockets are told 1001, and what then still is open is closed after `WebLimits.stopTime`.
public struct WebServer: Service {
    private let configuration: WebConfiguration
    private let terminal: any TerminalEndpoint
    private let group: any EventLoopGroup
    private let logger: Logger

    public init(
        configuration: WebConfiguration, terminal: any TerminalEndpoint,
        group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton, logger: Logger
    ) {
        self.configuration = configuration
        self.terminal = terminal
        self.group = group
        self.logger = logger
    }

    /// - Throws: `WebServerError` when the configuration cannot be served.
    public func run() async throws {
        let cookies = CookieNames(isEncrypted: configuration.isEncrypted)
        let tokens = try await AccessTokens()
        let authentication = Authentication(tokens: tokens, cookies: cookies) { _, _, _ in throw GatewayError.notSignedIn }
        let routes = RouteTable(authentication: authentication, limits: configuration.limits)
        TerminalRoute(endpoint: terminal, limits: configuration.limits).add(to: routes)
        SystemRoutes(serverName: configuration.serverName, version: configuration.version) { true }.add(to: routes)
        let service = HTTPService(
            configuration: configuration, routes: routes, cookies: cookies, group: group, logger: logger)
        try await service.run()
    }
}
