import Logging
import NIOCore

/// Keeps the server listening when a connection could not be taken.
///
/// `accept` fails for reasons that pass (no file descriptor left, a client that went away at once). Unhandled, such an
/// error would end the loop that takes connections while the process lives on. This handler writes it down and
/// pauses for a moment, since the same connection is still waiting and would fail again at once.
final class AcceptErrors: ChannelInboundHandler {
    typealias InboundIn = any Channel

    private static let pause: TimeAmount = .milliseconds(100)
    private let logger: Logger
    private var isPaused = false

    init(logger: Logger) {
        self.logger = logger
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard !isPaused else { return }
        isPaused = true
        logger.warning("A connection could not be accepted: \(error)")
        let channel = context.channel
        let resume = NIOLoopBound(self, eventLoop: context.eventLoop)
        channel.setOption(.autoRead, value: false).whenComplete { _ in
            channel.eventLoop.scheduleTask(in: Self.pause) {
                resume.value.isPaused = false
                channel.setOption(.autoRead, value: true).whenFailure { _ in }
            }
        }
    }
}
