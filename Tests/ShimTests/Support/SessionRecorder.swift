import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import SSH

/// Keeps what a session brings; or does not read at all.
final class SessionRecorder: SessionChannelDelegate, Sendable {
    private struct State {
        var text = ""
        var isClosed = false
    }

    private let reads: Bool
    private let state = NIOLockedValueBox(State())

    init(reads: Bool = true) { self.reads = reads }

    /// All of it, when the channel is over.
    func text() async throws -> String {
        _ = try await eventually { state.withLockedValue { $0.isClosed } }
        return state.withLockedValue { $0.text }
    }

    func channel(_ channel: SSHSessionChannel, received data: ByteBuffer, stream: SSHDataStream) {
        guard reads else { return }
        state.withLockedValue { $0.text += String(buffer: data) }
        channel.consumed(data.readableBytes)
    }

    func channel(_ channel: SSHSessionChannel, closed error: SSHError?) { state.withLockedValue { $0.isClosed = true } }
}

/// A display of this machine: says its name to whoever brings its cookie.
enum NamedDisplay {
    private final class Answer: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let name: String
        private let cookie: [UInt8]
        private var input = ByteBuffer()

        init(_ name: String, _ cookie: [UInt8]) {
            self.name = name
            self.cookie = cookie
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            input.writeImmutableBuffer(unwrapInboundIn(data))
            guard input.readableBytes >= 48 else { return }
            let isRight = Array(input.readableBytesView.suffix(cookie.count)) == cookie
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: isRight ? name : "refused")), promise: nil)
        }
    }

    static func start(_ name: String) async throws -> X11Display {
        let cookie = (0..<16).map { _ in UInt8.random(in: 0...255) }
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Answer(name, cookie))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return X11Display(endpoint: .tcp(host: "127.0.0.1", port: channel.localAddress?.port ?? 0), cookie: cookie)
    }
}

/// Sends back what it gets.
enum EchoServer {
    private final class Echo: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            context.writeAndFlush(data, promise: nil)
        }
    }

    /// Returns its port; it lives as long as the tests.
    static func start() async throws -> Int {
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 512)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Echo()) }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return channel.localAddress?.port ?? 0
    }
}
