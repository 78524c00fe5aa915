import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// One request to a push service, and its answer.
struct PushRequest: Sendable {
    let endpoint: PushEndpoint
    let authorization: String
    let body: [UInt8]
    let isUrgent: Bool
    /// Seconds for which the service keeps the message for a device that is away.
    let timeToLive: Int
}

struct PushAnswer: Sendable, Hashable {
    let status: Int
    /// Seconds, from Retry-After.
    var retryAfter: Int?
}

/// Why there was no answer.
enum PushFailure: Error, Sendable, Hashable {
    /// The name leads to an address that is not spoken to.
    case addressRefused
    case unreachable(String)
    case timedOut
}

/// Speaks to push services: HTTP/1.1 over TLS, one connection for each message, no redirect followed, and nothing read
/// of an answer but its status.
struct PushClient: Sendable {
    private let addresses: PushAddresses
    private let context: NIOSSLContext
    private let loops: any EventLoopGroup
    private let timeout: TimeAmount

    /// - Parameter authorityFile: certificates (PEM) that are trusted beside the system's, for a service of one's own.
    init(
        addresses: PushAddresses, authorityFile: String?, loops: any EventLoopGroup, timeout: TimeAmount = .seconds(15)
    ) throws {
        self.addresses = addresses
        self.loops = loops
        self.timeout = timeout
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        if let authorityFile { configuration.additionalTrustRoots = [.file(authorityFile)] }
        context = try NIOSSLContext(configuration: configuration)
    }

    func send(_ request: PushRequest) async throws(PushFailure) -> PushAnswer {
        let address = try await resolve(request.endpoint)
        let loop = loops.next()
        let answered = loop.makePromise(of: PushAnswer.self)
        let deadline = loop.scheduleTask(in: timeout) { answered.fail(PushFailure.timedOut) }
        do {
            let channel = try await ClientBootstrap(group: loop)
                .connectTimeout(timeout)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let tls = try NIOSSLClientHandler(context: context, serverHostname: request.endpoint.host)
                        try channel.pipeline.syncOperations.addHandler(tls)
                        try channel.pipeline.syncOperations.addHTTPClientHandlers()
                        try channel.pipeline.syncOperations.addHandler(
                            PushExchange(request: request, answered: answered))
                    }
                }
                .connect(to: address).get()
            answered.futureResult.whenComplete { _ in channel.close(promise: nil) }
        } catch {
            answered.fail(PushFailure.unreachable("\(type(of: error))"))
        }
        defer { deadline.cancel() }
        do { return try await answered.futureResult.get() } catch {
            throw error as? PushFailure ?? .unreachable("\(type(of: error))")
        }
    }

    /// The address that is connected to is the one that was looked at: a name that changes its mind gains nothing.
    private func resolve(_ endpoint: PushEndpoint) async throws(PushFailure) -> SocketAddress {
        let address: SocketAddress
        do {
            address = try await NIOThreadPool.singleton.runIfActive {
                try SocketAddress.makeAddressResolvingHost(endpoint.host, port: endpoint.port)
            }
        } catch { throw .unreachable("The name \(endpoint.host) leads nowhere.") }
        guard addresses.mayConnect(to: address) else { throw .addressRefused }
        return address
    }
}

/// Sends the request when the connection is there, and answers with the status.
private final class PushExchange: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private let request: PushRequest
    private let answered: EventLoopPromise<PushAnswer>

    init(request: PushRequest, answered: EventLoopPromise<PushAnswer>) {
        self.request = request
        self.answered = answered
    }

    func channelActive(context: ChannelHandlerContext) {
        let headers = HTTPHeaders([
            ("Host", request.endpoint.authority), ("Authorization", request.authorization),
            ("Content-Type", "application/octet-stream"), ("Content-Encoding", "aes128gcm"),
            ("Content-Length", String(request.body.count)), ("TTL", String(request.timeToLive)),
            ("Urgency", request.isUrgent ? "high" : "normal"), ("Connection", "close"),
        ])
        let head = HTTPRequestHead(version: .http1_1, method: .POST, uri: request.endpoint.target, headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: request.body)))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .head(let head) = unwrapInboundIn(data) else { return }
        let wait = head.headers.first(name: "Retry-After").flatMap { Int($0) }
        answered.succeed(PushAnswer(status: Int(head.status.code), retryAfter: wait))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        answered.fail(PushFailure.unreachable("\(type(of: error))"))
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        answered.fail(PushFailure.unreachable("The push service ended the connection."))
        context.fireChannelInactive()
    }
}
