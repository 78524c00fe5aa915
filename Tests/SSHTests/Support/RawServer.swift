import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import SSH

/// A TCP server on loopback that says fixed bytes and sees what becomes of its connections.
final class RawServer: Sendable {
    let port: Int
    private let channel: any Channel
    private let connections = NIOLockedValueBox<(accepted: Int, closed: Int)>((0, 0))

    var endpoint: SSHEndpoint { SSHEndpoint(host: "127.0.0.1", port: port) }
    var accepted: Int { connections.withLockedValue { $0.accepted } }
    var closed: Int { connections.withLockedValue { $0.closed } }

    init(says greeting: String = "", thenCloses: Bool = false) async throws {
        let connections = connections
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { child in
                connections.withLockedValue { $0.accepted += 1 }
                child.closeFuture.whenComplete { _ in connections.withLockedValue { $0.closed += 1 } }
                return child.eventLoop.makeCompletedFuture {
                    try child.pipeline.syncOperations.addHandler(Greeter(greeting, thenCloses: thenCloses))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        port = channel.localAddress?.port ?? 0
    }

    deinit { channel.close(promise: nil) }
}

private final class Greeter: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let greeting: String
    private let thenCloses: Bool

    init(_ greeting: String, thenCloses: Bool) {
        self.greeting = greeting
        self.thenCloses = thenCloses
    }

    func channelActive(context: ChannelHandlerContext) {
        guard !greeting.isEmpty || thenCloses else { return }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: greeting)), promise: nil)
        if thenCloses { context.close(mode: .output, promise: nil) }
    }
}
