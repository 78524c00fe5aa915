import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import SSH
import TestSupport

/// A TCP client that keeps what comes and sends what it is told.
final class RawClient: Sendable {
    private let channel: any Channel
    private let box = NIOLockedValueBox<(bytes: [UInt8], isClosed: Bool)>(([], false))

    var bytes: [UInt8] { box.withLockedValue { $0.bytes } }
    var text: String { String(decoding: bytes, as: UTF8.self) }
    var isClosed: Bool { box.withLockedValue { $0.isClosed } }

    convenience init(host: String = "127.0.0.1", port: Int) async throws {
        try await self.init { box in
            try await Self.bootstrap(box).connect(host: host, port: port).get()
        }
    }

    convenience init(path: String) async throws {
        try await self.init { box in try await Self.bootstrap(box).connect(unixDomainSocketPath: path).get() }
    }

    private init(
        _ connect: (NIOLockedValueBox<(bytes: [UInt8], isClosed: Bool)>) async throws -> any Channel
    ) async throws {
        channel = try await connect(box)
        let box = box
        channel.closeFuture.whenComplete { _ in box.withLockedValue { $0.isClosed = true } }
    }

    deinit { channel.close(promise: nil) }

    private static func bootstrap(
        _ box: NIOLockedValueBox<(bytes: [UInt8], isClosed: Bool)>
    ) -> ClientBootstrap {
        ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Keeper(box))
                }
            }
    }

    func send(_ bytes: [UInt8]) async throws { try await channel.writeAndFlush(ByteBuffer(bytes: bytes)) }

    func send(_ text: String) async throws { try await send(Array(text.utf8)) }

    /// Ends our half.
    func finish() async throws { try await channel.close(mode: .output) }

    /// Waits until so many bytes came.
    func wait(for count: Int) async throws -> [UInt8] {
        guard try await eventually({ self.bytes.count >= count }) else {
            throw ToolFailure(description: "\(count) bytes did not come; there were: \(bytes.prefix(200))")
        }
        return bytes
    }
}

private final class Keeper: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let box: NIOLockedValueBox<(bytes: [UInt8], isClosed: Bool)>

    init(_ box: NIOLockedValueBox<(bytes: [UInt8], isClosed: Bool)>) { self.box = box }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        box.withLockedValue { $0.bytes += bytes.readableBytesView }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed? = event as? ChannelEvent { box.withLockedValue { $0.isClosed = true } }
    }
}

/// A TCP server on loopback that sends everything back, or says who it is.
final class EchoServer: Sendable {
    let port: Int
    private let channel: any Channel

    init(path: String? = nil) async throws {
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Echo()) }
            }
        channel =
            if let path {
                try await bootstrap.bind(unixDomainSocketPath: path).get()
            } else {
                try await bootstrap.bind(host: "127.0.0.1", port: 0).get()
            }
        port = channel.localAddress?.port ?? 0
    }

    deinit { channel.close(promise: nil) }
}

private final class Echo: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { context.write(data, promise: nil) }

    func channelReadComplete(context: ChannelHandlerContext) { context.flush() }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed? = event as? ChannelEvent { context.close(promise: nil) }
    }
}

/// Two ends of a stream in memory.
final class MemoryStream: SSHByteStream {
    private let input: AsyncStream<ByteBuffer>
    private let output: AsyncStream<ByteBuffer>.Continuation
    private let own: AsyncStream<ByteBuffer>.Continuation

    private init(
        _ input: AsyncStream<ByteBuffer>, own: AsyncStream<ByteBuffer>.Continuation,
        output: AsyncStream<ByteBuffer>.Continuation
    ) {
        self.input = input
        self.own = own
        self.output = output
    }

    static func pair() -> (MemoryStream, MemoryStream) {
        let (one, first) = AsyncStream.makeStream(of: ByteBuffer.self)
        let (other, second) = AsyncStream.makeStream(of: ByteBuffer.self)
        return (MemoryStream(one, own: first, output: second), MemoryStream(other, own: second, output: first))
    }

    func read() async throws -> ByteBuffer? {
        for await bytes in input { return bytes }
        return nil
    }

    func write(_ bytes: ByteBuffer) async throws { output.yield(bytes) }

    func close() {
        output.finish()
        own.finish()
    }
}
