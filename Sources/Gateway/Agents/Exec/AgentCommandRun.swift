import NIOCore
import SSH
import SSHProtocol
import Storage

/// A command's channel on its connection: bytes into the command's record, its end into its state.
///
/// Loop-bound, as the connection's delegate is.
final class AgentCommandRun: SessionChannelDelegate {
    /// A command that ended may leave children behind that hold its output open; nobody waits for those.
    private static let graceAfterExit = TimeAmount.milliseconds(500)

    private let command: AgentCommand
    private let line: String
    private var input: ByteBuffer
    private let keepsInputOpen: Bool
    private var exit = CommandResult.Exit.unknown
    private var timeout: Scheduled<Void>?
    private var grace: Scheduled<Void>?
    private let onTimeout: @Sendable () -> Void
    private let ended: @Sendable () -> Void
    private var refusal: GatewayError?

    /// - Parameters:
    ///   - onTimeout: its time is over, and it was to be stopped then.
    ///   - ended: the channel is free again.
    init(
        _ command: AgentCommand, line: String, onTimeout: @escaping @Sendable () -> Void,
        ended: @escaping @Sendable () -> Void
    ) {
        self.command = command
        self.line = line
        input = ByteBuffer(bytes: command.request.input ?? [])
        keepsInputOpen = command.request.keepsInputOpen
        self.onTimeout = onTimeout
        self.ended = ended
    }

    /// The channel stands: the command goes out.
    func start(on channel: SSHSessionChannel) {
        let isWanted = command.change { state in
            guard !state.phase.isOver else { return false }
            state.phase = .running
            state.startedAt = .now()
            state.channel = channel
            return true
        }
        guard isWanted else { return channel.abort() }
        channel.exec(line).assumeIsolated().whenFailure { error in
            self.refusal = self.refusal ?? GatewayError(hostFailure: error)
            channel.abort()
        }
        feed(channel)
        let command = command
        let onTimeout = onTimeout
        timeout = channel.connection.eventLoop.scheduleTask(in: TimeAmount(command.request.timeout)) {
            let stops = command.change { state in
                guard !state.phase.isOver else { return false }
                state.timedOut = true
                return command.request.onTimeout == .stop
            }
            if stops { onTimeout() }
        }
    }

    private func feed(_ channel: SSHSessionChannel) {
        while channel.isWritable, let piece = input.readSlice(length: min(input.readableBytes, 64 << 10)),
            piece.readableBytes > 0
        {
            channel.write(piece)
        }
        if input.readableBytes == 0, !keepsInputOpen { channel.sendEOF() }
    }

    // MARK: SessionChannelDelegate

    func channel(_ channel: SSHSessionChannel, received data: ByteBuffer, stream: SSHDataStream) {
        command.write(data.readableBytesView, isError: stream == .standardError)
        channel.consumed(data.readableBytes)
    }

    func channel(_ channel: SSHSessionChannel, writabilityChanged isWritable: Bool) {
        if isWritable { feed(channel) }
    }

    func channel(_ channel: SSHSessionChannel, exited status: UInt32) { exited(.status(status), channel) }

    func channel(_ channel: SSHSessionChannel, exited signal: ExitSignal) { exited(.signal(signal), channel) }

    private func exited(_ exit: CommandResult.Exit, _ channel: SSHSessionChannel) {
        self.exit = exit
        grace = channel.connection.eventLoop.assumeIsolated().scheduleTask(in: Self.graceAfterExit) {
            self.command.change { $0.flags.append("children_hold_output") }
            channel.abort()
        }
    }

    func channel(_ channel: SSHSessionChannel, closed error: SSHError?) {
        timeout?.cancel()
        grace?.cancel()
        switch exit {
        case .status(let status): command.finish(.exited) { $0.exitCode = Int(status) }
        case .signal(let signal): command.finish(.signaled) { $0.signal = "SIG" + signal.name }
        case .unknown:
            let failure = refusal ?? error.map { GatewayError(hostFailure: $0) }
            command.finish(refusal == nil ? .lost : .failed) { $0.failure = failure }
        }
        ended()
    }
}
