// A session's channel joined to a program: bytes both ways on one event loop, each side at the other's pace.

import LocalProcess
import NIOCore
import SSH
import SSHProtocol

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Loop-bound.
final class ProgramSession: SSHServerSessionDelegate, AttachedProcessDelegate {
    private let channel: SSHServerSessionChannel
    private var launch: ProcessLaunch
    private let visit: Visit
    private let record: @Sendable (ServerEvent) -> Void
    private var process: AttachedProcess?
    private var agent: ForwardedAgentSocket?
    /// What came before the program ran.
    /// The last word on how it is started, when everything of its environment is known.
    private let prepare: @Sendable (ProcessLaunch) -> ProcessLaunch
    private var early: [ByteBuffer] = []
    private var hasInputEnded = false
    private var isOver = false
    private var size: PseudoTerminal.Size?

    init(
        _ channel: SSHServerSessionChannel, _ launch: ProcessLaunch, _ visit: Visit,
        record: @escaping @Sendable (ServerEvent) -> Void, prepare: @escaping @Sendable (ProcessLaunch) -> ProcessLaunch
    ) {
        self.prepare = prepare
        self.channel = channel
        self.launch = launch
        self.visit = visit
        self.record = record
    }

    private var eventLoop: any EventLoop { channel.connection.eventLoop }

    // MARK: Starting

    func sessionStarted(_ session: SSHServerSessionChannel) {
        guard channel.info.hasAgent else { return start() }
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        let (connection, account) = (channel.connection, visit.welcome.account)
        Task {
            let agent = try? await ForwardedAgentSocket.open(for: account, of: connection)
            connection.eventLoop.execute { bound.value.start(with: agent) }
        }
    }

    private func start(with agent: ForwardedAgentSocket? = nil) {
        guard !isOver else { return agent?.close() ?? () }
        self.agent = agent
        if let agent { launch.environment["SSH_AUTH_SOCK"] = agent.path }
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        AttachedProcess.start(prepare(launch), on: eventLoop) { bound.value }.assumeIsolated().whenComplete { result in
            switch result {
            case .success(let process): self.started(process.value)
            case .failure(let error): self.failed(error)
            }
        }
    }

    private func started(_ process: AttachedProcess) {
        // It may have ended already.
        guard !isOver else { return process.hangUp() }
        self.process = process
        if let size { process.resize(size) }
        let waiting = early
        early = []
        for data in waiting { write(data, to: process) }
        if hasInputEnded { process.closeInput() }
    }

    private func failed(_ error: any Error) {
        guard !isOver else { return }
        finish()
        let words = (error as? LocalProcessError)?.description ?? "The program could not be started."
        record(ServerEvent(.sessionRefused, channel.fields + [("why", .text(words))]))
        channel.write(ByteBuffer(string: "\(words)\r\n"), stream: .standardError)
        channel.exit(.status(255))
    }

    private func finish() {
        isOver = true
        process = nil
        early = []
        agent?.close()
        agent = nil
    }

    // MARK: The client

    func session(_ session: SSHServerSessionChannel, received data: ByteBuffer) {
        guard let process else {
            if isOver { session.consumed(data.readableBytes) } else { early.append(data) }
            return
        }
        write(data, to: process)
    }

    private func write(_ data: ByteBuffer, to process: AttachedProcess) {
        let count = data.readableBytes
        let channel = channel
        // The window opens again when the program's side has taken the bytes, or never will.
        process.write(data).assumeIsolated().whenComplete { _ in channel.consumed(count) }
    }

    func sessionEndOfFile(_ session: SSHServerSessionChannel) {
        hasInputEnded = true
        process?.closeInput()
    }

    func session(_ session: SSHServerSessionChannel, resized terminal: SSHServerTerminal) {
        size = PseudoTerminal.Size(terminal)
        process?.resize(PseudoTerminal.Size(terminal))
    }

    func session(_ session: SSHServerSessionChannel, signal name: String) {
        guard let number = SignalName.number(of: name) else { return }
        process?.signal(number)
    }

    func sessionEndOfWrite(_ session: SSHServerSessionChannel) { process?.closeOutput(.output) }

    func session(_ session: SSHServerSessionChannel, writabilityChanged isWritable: Bool) {
        process?.setReading(isWritable)
    }

    func session(_ session: SSHServerSessionChannel, closed error: SSHError?) {
        let process = process
        if !isOver { record(ServerEvent(.sessionEnded, session.fields + [("exit", .text("the client left"))])) }
        finish()
        process?.hangUp()
    }

    // MARK: The program

    func process(_ process: AttachedProcess, wrote data: ByteBuffer, to stream: ProcessStream) {
        guard !isOver else { return }
        channel.write(data, stream: stream == .error ? .standardError : .standardOutput)
        if !channel.isWritable { process.setReading(false) }
    }

    func processClosedInput(_ process: AttachedProcess) { channel.sendEndOfWrite() }

    func process(_ process: AttachedProcess, ended exit: ProcessExit) {
        guard !isOver else { return }
        finish()
        switch exit {
        case .status(let status):
            record(ServerEvent(.sessionEnded, channel.fields + [("exit", .number(Int(status)))]))
            channel.exit(.status(UInt32(bitPattern: status)))
        case .signal(let number, let coreDumped):
            let name = SignalName.name(of: number)
            record(ServerEvent(.sessionEnded, channel.fields + [("signal", .text(name ?? String(number)))]))
            // RFC 4254 §6.10 has names for some; a shell would say 128 and the number for the others.
            channel.exit(
                name.map { .signal(ExitSignal(name: $0, coreDumped: coreDumped)) }
                    ?? .status(UInt32(clamping: 128 + number)))
        }
    }
}

extension SSHServerSessionChannel {
    /// What events say of a session.
    var fields: [(String, ServerEvent.Value?)] {
        let asked: (String, String?) =
            switch info.program {
            case .shell: ("shell", nil)
            case .exec(let command): ("command", String(decoding: command.prefix(512), as: UTF8.self))
            case .subsystem(let name): ("subsystem", name)
            }
        return [
            ("connection", .number(connection.id)), ("user", .text(info.user.username)), ("program", .text(asked.0)),
            ("command", .text(asked.1)), ("terminal", info.terminal.map { .text($0.type) }),
        ]
    }
}

/// Signals by the names of RFC 4254 §6.10.
enum SignalName {
    private static let numbers: [String: Int32] = [
        "ABRT": SIGABRT, "ALRM": SIGALRM, "FPE": SIGFPE, "HUP": SIGHUP, "ILL": SIGILL, "INT": SIGINT,
        "KILL": SIGKILL, "PIPE": SIGPIPE, "QUIT": SIGQUIT, "SEGV": SIGSEGV, "TERM": SIGTERM, "USR1": SIGUSR1,
        "USR2": SIGUSR2,
    ]

    static func number(of name: String) -> Int32? { numbers[name] }

    static func name(of number: Int32) -> String? { numbers.first { $0.value == number }?.key }
}
