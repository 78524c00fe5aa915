import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// One request over a connection of its own, and its response in pieces. The connection ends with the task that reads.
struct HTTPExchange: Sendable {
    struct Head: Sendable {
        let status: Int
        let headers: HTTPHeaders
    }

    /// Where the server is.
    struct Server: Sendable {
        let host: String
        let port: Int
        /// Nil for plain HTTP.
        let tls: NIOSSLContext?
        /// As the Host field says it.
        let authority: String
    }

    private enum Part: Sendable {
        case head(Head)
        case body(ByteBuffer)
        case end
    }

    /// Sends a request and hands its response's pieces to `body`.
    static func run(
        _ server: Server, path: String, headers: HTTPHeaders, content: [UInt8], group: any EventLoopGroup,
        _ body: (Head, ByteBuffer?) async throws -> Void
    ) async throws {
        let (parts, continuation) = AsyncThrowingStream.makeStream(of: Part.self)
        let channel = try await ClientBootstrap(group: group)
            .connectTimeout(.seconds(10))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let tls = server.tls {
                        try pipeline.addHandler(
                            try NIOSSLClientHandler(context: tls, serverHostname: Self.name(server.host)))
                    }
                    try pipeline.addHTTPClientHandlers()
                    try pipeline.addHandler(ResponseParts(continuation))
                }
            }
            .connect(host: server.host, port: server.port).get()
        try await withTaskCancellationHandler {
            defer { channel.close(promise: nil) }
            var fields = headers
            fields.replaceOrAdd(name: "Host", value: server.authority)
            fields.replaceOrAdd(name: "Content-Length", value: String(content.count))
            fields.replaceOrAdd(name: "Connection", value: "close")
            let head = HTTPRequestHead(version: .http1_1, method: .POST, uri: path, headers: fields)
            channel.write(HTTPClientRequestPart.head(head), promise: nil)
            channel.write(HTTPClientRequestPart.body(.byteBuffer(ByteBuffer(bytes: content))), promise: nil)
            try await channel.writeAndFlush(HTTPClientRequestPart.end(nil))
            var response: Head?
            for try await part in parts {
                switch part {
                case .head(let head):
                    response = head
                    try await body(head, nil)
                case .body(let bytes): if let response { try await body(response, bytes) }
                case .end: return
                }
            }
            throw ChannelError.inputClosed
        } onCancel: {
            channel.close(promise: nil)
        }
    }

    /// An address has no name for SNI (RFC 6066 §3).
    private static func name(_ host: String) -> String? {
        (try? SocketAddress(ipAddress: host, port: 0)) == nil ? host : nil
    }

    private final class ResponseParts: ChannelInboundHandler {
        typealias InboundIn = HTTPClientResponsePart

        private let continuation: AsyncThrowingStream<Part, any Error>.Continuation

        init(_ continuation: AsyncThrowingStream<Part, any Error>.Continuation) { self.continuation = continuation }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head): continuation.yield(.head(Head(status: Int(head.status.code), headers: head.headers)))
            case .body(let bytes): continuation.yield(.body(bytes))
            case .end: continuation.yield(.end)
            }
        }

        func channelInactive(context: ChannelHandlerContext) { continuation.finish() }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            continuation.finish(throwing: error)
            context.close(promise: nil)
        }
    }
}
