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
    private let launch: CommandLaunch
    private var sudo: SudoDialogue?
    private var input = ByteBuffer()
    private let keepsInputOpen: Bool
    private var exit = CommandResult.Exit.unknown
    private var timeout: Scheduled<Void>?
    private var grace: Scheduled<Void>?
    private var gate = FloodGate()
    private var gateTask: Scheduled<Void>?
    private let ended: @Sendable () -> Void
    private var refusal: GatewayError?

    /// - Parameter ended: the channel is free again.
    init(_ command: AgentCommand, _ launch: CommandLaunch, ended: @escaping @Sendable () -> Void) {
        self.command = command
        self.launch = launch
        sudo = launch.sudo
        keepsInputOpen = command.request.keepsInputOpen
        self.ended = ended
    }

    /// The channel stands: the command goes out.
    func start(on channel: SSHSessionChannel) {
        let command = command
        let isWanted = command.change { state in
            guard !state.phase.isOver else { return false }
            state.phase = .running
            state.startedAt = state.startedAt ?? .now()
            state.channel = channel
            state.isSent = command.request.isDurable
            return true
        }
        guard isWanted else { return channel.abort() }
        input = ByteBuffer(bytes: command.takeInput())
        channel.exec(launch.line).assumeIsolated().whenFailure { error in
            if command.request.isDurable, !channel.connection.isOpen { return }
            self.refusal = self.refusal ?? GatewayError(hostFailure: error)
            channel.abort()
        }
        feed(channel)
        let onTimeout = launch.onTimeout
        let due = (command.state.startedAt ?? .now()) + command.request.timeout
        timeout = channel.connection.eventLoop.scheduleTask(in: TimeAmount(max(.zero, due - .now()))) {
            let stops = command.change { state in
                guard !state.phase.isOver else { return false }
                state.timedOut = true
                return command.request.onTimeout == .stop
            }
            if stops { onTimeout() }
        }
    }

    private func feed(_ channel: SSHSessionChannel) {
        guard sudo?.hasBegun ?? true else { return }
        while channel.isWritable, let piece = input.readSlice(length: min(input.readableBytes, 64 << 10)),
            piece.readableBytes > 0
        {
            channel.write(piece)
        }
        if input.readableBytes == 0, !keepsInputOpen { channel.sendEOF() }
    }

    // MARK: SessionChannelDelegate

    func channel(_ channel: SSHSessionChannel, received data: ByteBuffer, stream: SSHDataStream) {
        if stream == .standardError, sudo?.hasBegun == false {
            becomeRoot(channel, data.readableBytesView)
        } else {
            command.write(data.readableBytesView, isError: stream == .standardError)
        }
        let passed = gate.pass(data.readableBytes)
        if passed > 0 { channel.consumed(passed) } else { openGateSoon(channel) }
    }

    private func openGateSoon(_ channel: SSHSessionChannel) {
        guard gateTask == nil else { return }
        gateTask = channel.connection.eventLoop.assumeIsolated().scheduleTask(in: FloodGate.pause) {
            self.gateTask = nil
            let passed = self.gate.refill()
            if passed > 0 { channel.consumed(passed) }
            if self.gate.withheld > 0 { self.openGateSoon(channel) }
        }
    }

    private func becomeRoot(_ channel: SSHSessionChannel, _ bytes: ByteBufferView) {
        guard let (step, shown) = sudo?.take(bytes) else { return }
        if !shown.isEmpty { command.write(ByteBuffer(bytes: shown).readableBytesView, isError: true) }
        switch step {
        case .wait: break
        case .sendPassword: channel.write(ByteBuffer(bytes: (sudo?.password ?? []) + [0x0A]))
        case .begin: feed(channel)
        case .refused:
            refusal = .sudoRefused
            channel.abort()
        }
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
        gateTask?.cancel()
        if sudo?.hasBegun == false, let words = sudo?.rest(), !words.isEmpty {
            command.write(ByteBuffer(bytes: words).readableBytesView, isError: true)
        }
        if command.request.isDurable, refusal == nil, !isUnwatched {
            endDurable()
            return ended()
        }
        switch exit {
        case _ where isUnwatched:
            command.finish(.lost) { $0.failure = .sudoRefused }
        case .status(let status): command.finish(.exited) { $0.exitCode = Int(status) }
        case .signal(let signal): command.finish(.signaled) { $0.signal = "SIG" + signal.name }
        case .unknown:
            let failure = refusal ?? error.map { GatewayError(hostFailure: $0) }
            command.finish(refusal == nil ? .lost : .failed) { $0.failure = failure }
        }
        ended()
    }

    /// sudo let nobody watch what it let begin: how that goes on is not known, and its own exit code is not the command's.
    private var isUnwatched: Bool {
        launch.isAttaching && sudo?.hasBegun == false && (refusal != nil || exit != .unknown)
    }

    /// An exit code is the command's own; a signal by which the watching script ends itself says what it found. Anything
    /// else ended the watching, not the command.
    private func endDurable() {
        let trouble: DurableRun.Trouble?
        switch exit {
        case .status(let status):
            command.finish(.exited) { $0.exitCode = Int(status) }
            return
        case .signal(let signal): trouble = DurableRun.Trouble(rawValue: signal.name)
        case .unknown: trouble = nil
        }
        switch trouble {
        case .gone?: command.finish(.lost) { $0.failure = .durableGone }
        case .absent?: command.finish(.lost) { $0.failure = .durableAbsent }
        case nil:
            let isOver = command.change { state in
                state.channel = nil
                return state.phase.isOver
            }
            if !isOver { launch.onDetached() }
        }
    }
}

extension GatewayError {
    fileprivate static let sudoRefused = GatewayError(
        "sudo_refused", status: 403, "sudo does not take the password that the vault has for this account.",
        hint: "Hand off to the person, who can type another one at the terminal.")
    fileprivate static let durableGone = GatewayError(
        "command_lost", status: 502, "The command's processes are gone from the host without an exit code.",
        hint: "The host was restarted, or somebody ended them. Look at what it did before you run it again.")
    fileprivate static let durableAbsent = GatewayError(
        "command_absent", status: 502,
        "The host has nothing of this command: it never began, or what it left was removed.",
        hint: "Look at what it may have done before you run it again.")
}
