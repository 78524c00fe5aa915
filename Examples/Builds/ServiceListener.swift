import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix

/// The service's HTTP interface, on loopback alone.
///
///     GET  /api/ssh-key/FINGERPRINT          {"user": "ada"}, or 404
///     GET  /api/jobs/ID                      the job
///     GET  /api/jobs/ID/log/TASK?from=N      bytes from there on; X-Log-Ended tells whether that is all
///     POST /api/jobs/ID/visit                200 and then silence: the visit ends with this connection; 409 if taken
struct ServiceListener: Sendable {
    private typealias Connection = NIOAsyncChannel<HTTPServerRequestPart, HTTPServerResponsePart>
    private typealias Writer = NIOAsyncChannelOutboundWriter<HTTPServerResponsePart>
    private typealias Reader = NIOAsyncChannelInboundStream<HTTPServerRequestPart>.AsyncIterator

    let service: BuildService

    /// Serves until the task is cancelled.
    func run(port: Int, _ listening: (Int) -> Void) async throws {
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .bind(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline(withErrorHandling: true)
                    return try Connection(wrappingChannelSynchronously: channel)
                }
            }
        listening(listener.channel.localAddress?.port ?? 0)
        try await withThrowingDiscardingTaskGroup { group in
            try await listener.executeThenClose { connections in
                for try await connection in connections {
                    group.addTask { try? await serve(connection) }
                }
            }
        }
    }

    /// One request for each connection.
    private func serve(_ connection: Connection) async throws {
        try await connection.executeThenClose { inbound, outbound in
            var parts = inbound.makeAsyncIterator()
            guard case .head(let head)? = try await parts.next() else { return }
            try await answer(head, &parts, outbound)
        }
    }

    private func answer(_ head: HTTPRequestHead, _ parts: inout Reader, _ outbound: Writer) async throws {
        let address = head.uri.split(separator: "?", maxSplits: 1)
        let path = (address.first ?? "").split(separator: "/").map { $0.removingPercentEncoding ?? "" }
        switch (head.method, path.count) {
        case (.GET, 3) where path.starts(with: ["api", "ssh-key"]):
            try await send(await service.person(path[2]).map { ["user": $0] }, outbound)
        case (.GET, 3) where path.starts(with: ["api", "jobs"]):
            try await send(await service.job(path[2]), outbound)
        case (.GET, 5) where path.starts(with: ["api", "jobs"]) && path[3] == "log":
            let from = address.dropFirst().first.flatMap { UInt64($0.split(separator: "=").last ?? "") } ?? 0
            let log = await service.log(path[2], task: Int(path[4]) ?? -1, from: from)
            guard let log else { return try await send(.notFound, [], outbound) }
            try await send(.ok, log.bytes, outbound, [("X-Log-Ended", log.isAll ? "true" : "false")])
        case (.POST, 4) where path.starts(with: ["api", "jobs"]) && path[3] == "visit":
            try await visit(path[2], &parts, outbound)
        default:
            try await send(.notFound, [], outbound)
        }
    }

    /// The answer stays open; when the other end goes away, however that may be, the visit is over.
    private func visit(_ id: String, _ parts: inout Reader, _ outbound: Writer) async throws {
        guard await service.beginVisit(id) else { return try await send(.conflict, [], outbound) }
        do {
            try await outbound.write(.head(HTTPResponseHead(version: .http1_1, status: .ok)))
            try await outbound.write(.body(.byteBuffer(ByteBuffer(string: "welcome\n"))))
            while try await parts.next() != nil {}
        } catch {
            // A connection that broke has ended, too.
        }
        await service.endVisit(id)
    }

    private func send(_ value: (some Encodable)?, _ outbound: Writer) async throws {
        guard let value else { return try await send(.notFound, [], outbound) }
        try await send(.ok, Array(try JSONEncoder().encode(value)), outbound)
    }

    private func send(
        _ status: HTTPResponseStatus, _ body: [UInt8], _ outbound: Writer, _ headers: [(String, String)] = []
    ) async throws {
        let fixed = [("Content-Length", String(body.count)), ("Connection", "close")]
        try await outbound.write(
            .head(HTTPResponseHead(version: .http1_1, status: status, headers: HTTPHeaders(fixed + headers))))
        try await outbound.write(.body(.byteBuffer(ByteBuffer(bytes: body))))
        try await outbound.write(.end(nil))
    }
}
