import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import SSHApplications

/// The build service, as the application asks it. A service that does not answer is a failure for the moment: nobody is
/// refused for it, and nobody let in.
struct ServiceClient: Sendable {
    private typealias Connection = NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>

    private let host: String
    private let port: Int

    /// - Parameter address: "http://127.0.0.1:8090".
    init(_ address: String) throws(ApplicationFailure) {
        guard let url = URL(string: address), url.scheme == "http", let host = url.host, let port = url.port else {
            throw .usage("“\(address)” is no address of a service.", hint: "--service http://127.0.0.1:8090")
        }
        self.host = host
        self.port = port
    }

    /// Who has this key; nil for nobody.
    func person(_ fingerprint: String) async throws -> String? {
        try await value([String: String].self, "/api/ssh-key/\(Self.escaped(fingerprint))")?["user"]
    }

    func job(_ id: String) async throws -> Job? { try await value(Job.self, "/api/jobs/\(Self.escaped(id))") }

    /// More of a task's log; waits for it a while.
    func log(_ id: String, task: Int, from offset: Int) async throws -> (bytes: ByteBuffer, isAll: Bool) {
        let answer = try await request(.GET, "/api/jobs/\(Self.escaped(id))/log/\(task)?from=\(offset)")
        guard answer.status == .ok else { throw Self.lost }
        return (answer.body, answer.headers["X-Log-Ended"].first == "true")
    }

    /// Holds a visit for as long as `body` takes; the service ends the environment with it.
    func visit<Value: Sendable>(_ id: String, _ body: @Sendable () async throws -> Value) async throws -> Value {
        let connection = try await connect()
        return try await connection.executeThenClose { inbound, outbound in
            try await outbound.write(.head(head(.POST, "/api/jobs/\(Self.escaped(id))/visit")))
            try await outbound.write(.end(nil))
            var parts = inbound.makeAsyncIterator()
            guard case .head(let answer)? = try await parts.next() else { throw Self.lost }
            guard answer.status == .ok else {
                throw ApplicationFailure.refused(
                    "Somebody is in the environment of job \(id), or it is over.", hint: "An environment has one visit."
                )
            }
            return try await body()
        }
    }

    private func value<Value: Decodable>(_ type: Value.Type, _ path: String) async throws -> Value? {
        let answer = try await request(.GET, path)
        switch answer.status {
        case .ok:
            guard let value = try? JSONDecoder().decode(type, from: Data(answer.body.readableBytesView)) else {
                throw Self.lost
            }
            return value
        case .notFound: return nil
        default: throw Self.lost
        }
    }

    private func request(
        _ method: HTTPMethod, _ path: String
    ) async throws -> (status: HTTPResponseStatus, headers: HTTPHeaders, body: ByteBuffer) {
        let connection = try await connect()
        do {
            return try await connection.executeThenClose { inbound, outbound in
                try await outbound.write(.head(head(method, path)))
                try await outbound.write(.end(nil))
                var head: HTTPResponseHead?
                var body = ByteBuffer()
                for try await part in inbound {
                    switch part {
                    case .head(let answer): head = answer
                    case .body(let bytes): body.writeImmutableBuffer(bytes)
                    case .end: break
                    }
                    guard body.readableBytes <= 1 << 20 else { throw Self.lost }
                    if case .end = part { break }
                }
                guard let head else { throw Self.lost }
                return (head.status, head.headers, body)
            }
        } catch let failure as ApplicationFailure {
            throw failure
        } catch {
            try Task.checkCancellation()
            throw Self.lost
        }
    }

    private func connect() async throws -> Connection {
        do {
            return try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connectTimeout(.seconds(5))
                .connect(host: host, port: port) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHTTPClientHandlers()
                        return try Connection(wrappingChannelSynchronously: channel)
                    }
                }
        } catch {
            try Task.checkCancellation()
            throw Self.lost
        }
    }

    private func head(_ method: HTTPMethod, _ path: String) -> HTTPRequestHead {
        HTTPRequestHead(version: .http1_1, method: method, uri: path, headers: ["Host": "\(host):\(port)"])
    }

    /// Nothing but letters and digits stays: a name is one part of a path, whatever it holds.
    private static func escaped(_ text: String) -> String {
        text.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
    }

    static let lost = ApplicationFailure.temporary(
        "The build service does not answer.", hint: "Try again in a minute; if it stays, tell who runs it.")
}
