import Foundation
import Gateway
import Logging
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix

@testable import GatewayWeb

/// A server of the web face with a table of routes for a test, on a free port.
struct TestServer {
    let port: Int
    let tokens: AccessTokens
    private let task: Task<Void, any Error>

    static let caller = Caller.test

    /// Runs a server around `body` and stops it afterwards.
    /// - Parameter body: gets the server; its end is the server's end.
    static func run<Result>(
        transport: WebConfiguration.Transport = .cleartext, names: [String] = WebConfiguration.loopbackNames,
        limits: WebLimits = WebLimits(), pageFolder: String? = nil,
        routes addRoutes: @escaping @Sendable (RouteTable) -> Void = { _ in },
        _ body: (TestServer) async throws -> Result
    ) async throws -> Result {
        let server = try await start(
            transport: transport, names: names, limits: limits, pageFolder: pageFolder, routes: addRoutes)
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
        transport: WebConfiguration.Transport, names: [String], limits: WebLimits, pageFolder: String?,
        routes addRoutes: @escaping @Sendable (RouteTable) -> Void
    ) async throws -> TestServer {
        let (ports, continuation) = AsyncStream<Int>.makeStream()
        let configuration = WebConfiguration(
            port: 0, transport: transport, names: names, pageFolder: pageFolder, limits: limits,
            onListening: { address in
                continuation.yield(address.port ?? 0)
                continuation.finish()
            })
        let cookies = CookieNames(isEncrypted: configuration.isEncrypted)
        let tokens = try await AccessTokens()
        let authentication = Authentication(tokens: tokens, cookies: cookies) { _, _, _ in .test }
        let routes = RouteTable(authentication: authentication, limits: limits)
        addRoutes(routes)
        let service = HTTPService(
            configuration: configuration, routes: routes, cookies: cookies,
            group: MultiThreadedEventLoopGroup.singleton, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
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

/// What a program printed, and how it ended.
struct ProgramResult {
    let status: Int32
    let output: String
}

/// Runs a program to its end, away from the threads that the server needs.
func runProgram(_ path: String, _ arguments: [String]) async throws -> ProgramResult {
    try await withCheckedThrowingContinuation { continuation in
        DispatchQueue.global().async {
            let process = Process()
            let pipe = Pipe()
            process.executableURL = URL(fileURLWithPath: path)
            process.arguments = arguments
            process.standardInput = FileHandle.nullDevice
            process.standardOutput = pipe
            process.standardError = pipe
            do {
                try process.run()
                let output = pipe.fileHandleForReading.readDataToEndOfFile()
                process.waitUntilExit()
                continuation.resume(
                    returning: ProgramResult(
                        status: process.terminationStatus, output: String(decoding: output, as: UTF8.self)))
            } catch {
                continuation.resume(throwing: error)
            }
        }
    }
}
