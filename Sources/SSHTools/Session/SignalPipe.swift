import CLocalCalls
import NIOCore
import NIOPosix

/// Signals of this process as events on a loop: a handler may do next to nothing, so it only writes the number down.
final class SignalPipe: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let received: (Int32) -> Void

    private init(_ received: @escaping (Int32) -> Void) { self.received = received }

    /// Once in a process. On the loop.
    static func watch(
        _ signals: [Int32], on eventLoop: any EventLoop, _ received: @escaping (Int32) -> Void
    ) {
        let descriptor = terminal_signals_open()
        guard descriptor >= 0 else { return }
        let handler = NIOLoopBound(SignalPipe(received), eventLoop: eventLoop)
        NIOPipeBootstrap(group: eventLoop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(handler.value) }
            }
            .takingOwnershipOfDescriptor(input: descriptor)
            .whenSuccess { _ in
                for signal in signals { terminal_signals_watch(signal) }
            }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        for byte in unwrapInboundIn(data).readableBytesView {
            received(Int32(byte))
            terminal_signals_done(Int32(byte))
        }
    }
}
