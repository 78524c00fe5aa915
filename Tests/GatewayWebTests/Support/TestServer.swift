import Foundation
import Gateway
import Logging
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix

@testable import GatewayWeb

/// A server of the web face on a free port.
struct TestServer {
    let port: Int
    /// What signs the access tokens of a server with a test's own routes.
    let tokens: AccessTokens
    private let task: Task<Void, any Error>

    /// Runs a server with a table of routes of the test's own around `body`; its end is the server's end.
    static func run<Result>(
        transport: WebConfiguration.Transport = .cleartext, names: [String] = WebConfiguration.loopbackNames,
        limits: WebLimits = WebLimits(), pageFolder: String? = nil,
        routes addRoutes: @escaping @Sendable (RouteTable) -> Void = { _ in },
        _ body: (TestServer) async throws -> Result
    ) async throws -> Result {
        let configuration = WebConfiguration(
            port: 0, transport: transport, names: names, pageFolder: pageFolder, limits: limits)
        let cookies = CookieNames(isEncrypted: configuration.isEncrypted)
        let tokens = try await AccessTokens()
        let authentication = Authentication(tokens: tokens, cookies: cookies) { _, _, _ in .test }
        let routes = RouteTable(authentication: authentication, limits: limits)
        addRoutes(routes)
        return try await run(configuration, routes: routes, cookies: cookies, tokens: tokens, body)
    }

    /// Runs a server with these routes around `body`.
    static func run<Result>(
        _ configuration: WebConfiguration, routes: RouteTable, cookies: CookieNames, tokens: AccessTokens,
        _ body: (TestServer) async throws -> Result
    ) async throws -> Result {
        let server = try await start(configuration, routes: routes, cookies: cookies, tokens: tokens)
        do {
            let result = try await body(server)
            try await server.stop()
            return result
        } catch {
            try? await server.stop()
            throw error
        }
    }

    private static func start(
        _ configuration: WebConfiguration, routes: RouteTable, cookies: CookieNames, tokens: AccessTokens
    ) async throws -> TestServer {
        let (ports, continuation) = AsyncStream<Int>.makeStream()
        var configuration = configuration
        configuration.onListening = { address in
            continuation.yield(address.port ?? 0)
            continuation.finish()
        }
        let service = HTTPService(
            configuration: configuration, routes: routes, cookies: cookies,
            group: MultiThreadedEventLoopGroup.singleton, logger: .silent)
        let task = Task {
            defer { continuation.finish() }
            try await service.run()
        }
        for await port in ports { return TestServer(port: port, tokens: tokens, task: task) }
        try await task.value
        throw RawConnectionError.closedEarly
    }

    /// Stops the server and waits until it is gone.
    func stop() async throws {
        task.cancel()
        try await task.value
    }

    func beginStopping() { task.cancel() }

    /// One request on a connection of its own.
    func request(
        _ method: String, _ path: String, headers: [String] = [], body: String? = nil, host: String? = nil
    ) async throws -> RawResponse {
        try await RawConnection.open(port: port) { connection in
            var lines = ["\(method) \(path) HTTP/1.1", "Host: \(host ?? "localhost:\(port)")"] + headers
            if let body {
                lines += ["Content-Length: \(body.utf8.count)"]
                if !headers.contains(where: { $0.lowercased().hasPrefix("content-type") }) {
                    lines += ["Content-Type: application/json"]
                }
            }
            try await connection.send(lines.joined(separator: "\r\n") + "\r\n\r\n" + (body ?? ""))
            return try await connection.response(hasBody: method != "HEAD")
        }
    }
}

extension RawResponse {
    /// The body as a JSON object.
    var json: [String: Any] {
        (try? JSONSerialization.jsonObject(with: Data(body.utf8))) as? [String: Any] ?? [:]
    }

    var code: String? { json["code"] as? String }
}

extension Logger {
    static var silent: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}

extension Caller {
    static var test: Caller {
        Caller(
            tenant: "default", userID: "usr_test", username: "ada", name: "Ada", role: "admin", signInID: "sgn_test",
            address: "127.0.0.1")
    }
}

/// A folder of the test's own that goes with it.
func withTemporaryFolder<Result>(_ body: (String) async throws -> Result) async throws -> Result {
    let folder = NSTemporaryDirectory() + "copilot-web-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try await body(folder)
}
