// One session on a host, joined to descriptors of this machine: bytes go both ways at the pace of the slower side, and
// what a person types is searched for escapes first.

import NIOCore
import SSH
import SSHProtocol

/// What a session needs of a host. Loop-bound.
package protocol SessionHost {
    var eventLoop: any EventLoop { get }
    func makeSession(delegate: any SessionChannelDelegate) -> EventLoopFuture<SSHSessionChannel>
    /// Has the keys of the connection changed.
    func beginRekey()
}

extension SSHConnection: SessionHost {
    package func beginRekey() { Task { await rekey() } }
}

/// What a session needs of the process that has the terminal. Loop-bound.
package protocol SessionFace: AnyObject {
    /// The host granted a terminal, or the session is over: keys go to the program, or to the terminal's own settings.
    func setRaw(_ isRaw: Bool)
    /// Shown beside the session's own output, each line on its own.
    func show(_ lines: [String])
    /// Returns false when it cannot be done here.
    func suspend() -> Bool
    func changeVerbosity(by step: Int) -> String
    /// What else goes on over the connection.
    func connections() -> EventLoopFuture<[String]>
    /// The answer to a line that was typed after `~C`; nil when there are no commands here.
    func run(commandLine: String) -> EventLoopFuture<[String]>?
    var offersCommandLine: Bool { get }
    /// The host opened the session; its program has not begun.
    func opened()
    /// The program runs without the terminal that was asked for.
    func lacksTerminal()
    /// Said where the program's errors go, before they end.
    func lastWords(_ end: SessionEnd) -> String?
}

extension SessionFace {
    package func opened() {}
    package func lacksTerminal() { show(["The host allocated no terminal."]) }
    package func lastWords(_ end: SessionEnd) -> String? { nil }
}

/// Loop-bound.
package final class HostSession: SessionChannelDelegate {
    private let host: any SessionHost
    private let plan: SessionPlan
    private let x11: X11Request?
    private let finished: EventLoopPromise<SessionEnd>
    private weak var face: (any SessionFace)?
    private var channel: SSHSessionChannel?
    private var input: (any LocalInput)?
    private var output: (any LocalOutput)?
    private var errors: (any LocalOutput)?
    private var escapes: EscapeMachine?
    /// Typed after `~C` and not finished; nil when keys go to the host.
    private var commandLine: [UInt8]?
    private var descriptors: (input: Int32, output: Int32, error: Int32) = (-1, -1, -1)
    private var areReceived = false
    private var unopenedOutputs = 0
    /// Read before the session stood.
    private var early: ByteBuffer?
    private var hasInputEnded = false
    private var waitsForRoom = false
    private var end: SessionEnd?
    private var isOver = false
    /// What was received is not whole where it was to be kept.
    private var outputFault: Int32?
    private var hasTerminal = false
    /// The host was asked to start the program.
    private var hasBegun = false
    private var size: (columns: Int, rows: Int)?

    /// - Parameter x11: What was prepared on the connection, where the plan forwards X11.
    package init(
        _ plan: SessionPlan, on host: any SessionHost, x11: X11Request?, face: any SessionFace,
        finished: EventLoopPromise<SessionEnd>
    ) {
        self.plan = plan
        self.host = host
        self.x11 = x11
        self.face = face
        self.finished = finished
    }

    private var eventLoop: any EventLoop { host.eventLoop }

    // MARK: The beginning

    /// On the loop.
    ///
    /// - Parameter areReceived: The descriptors are another process's, see `ReceivedDescriptors`.
    package func start(input: Int32, output: Int32, error: Int32, areReceived: Bool = false) {
        descriptors = (input, output, error)
        self.areReceived = areReceived
        if plan.waitsForInput { openInput() } else { openSession() }
    }

    private func openSession() {
        openOutputs()
        host.makeSession(delegate: self).assumeIsolated().whenComplete { result in
            switch result {
            case .failure(let error): self.finish(.failed(SSHError(session: error)))
            case .success(let channel):
                guard !self.isOver else { return channel.abort() }
                self.channel = channel
                self.face?.opened()
                self.beginWhenReady()
            }
        }
    }

    private func openOutputs() {
        unopenedOutputs = 2
        for isError in [false, true] {
            let descriptor = isError ? descriptors.error : descriptors.output
            LocalStreams.output(descriptor, on: eventLoop, isReceived: areReceived).whenComplete { result in
                self.unopenedOutputs -= 1
                if case .success(let output) = result {
                    if isError { self.errors = output } else { self.output = output }
                }
                guard self.unopenedOutputs == 0 else { return }
                if self.isOver { self.closeOutputs() } else { self.beginWhenReady() }
            }
        }
    }

    /// The program begins when both outputs are there to take what it says.
    private func beginWhenReady() {
        guard let channel, unopenedOutputs == 0 else { return }
        guard output != nil, errors != nil else { return channel.abort() }
        begin(channel)
    }

    private func begin(_ channel: SSHSessionChannel) {
        if plan.forwardsAgent {
            channel.requestAgentForwarding().assumeIsolated().whenFailure { _ in
                self.face?.show(["Agent forwarding was refused by the host."])
            }
        }
        if let x11 {
            channel.requestX11(x11).assumeIsolated().whenFailure { _ in
                self.face?.show(["X11 forwarding was refused by the host."])
            }
        }
        if let terminal = plan.terminal { request(terminal, channel) }
        for variable in plan.environment { channel.setEnvironment(variable.name, variable.value) }
        let started =
            switch plan.program {
            case .shell: channel.shell()
            case .command(let command): channel.exec(plan.commandBytes ?? Array(command.utf8))
            case .subsystem(let name): channel.subsystem(name)
            }
        hasBegun = true
        started.assumeIsolated().whenFailure { error in
            if self.end == nil { self.end = .failed(SSHError(session: error)) }
            channel.abort()
        }
        guard !plan.readsNoInput else { return channel.sendEOF() }
        guard plan.waitsForInput else { return openInput() }
        if let early { channel.write(early) }
        early = nil
        if hasInputEnded { channel.sendEOF() } else { readOn() }
    }

    private func request(_ terminal: SSHTerminal, _ channel: SSHSessionChannel) {
        let size = size ?? (terminal.columns, terminal.rows)
        let granted = channel.requestPTY(
            term: terminal.type, columns: size.columns, rows: size.rows, modes: terminal.modes)
        granted.assumeIsolated().whenComplete { result in
            switch result {
            case .success where !self.isOver:
                self.hasTerminal = true
                self.escapes = self.plan.escapeCharacter.map { EscapeMachine(escape: $0) }
                self.face?.setRaw(true)
            case .success: break
            // As OpenSSH: the program runs without one.
            case .failure: self.face?.lacksTerminal()
            }
        }
    }

    private func openInput() {
        let events = InputEvents(
            received: { [weak self] in self?.received($0) }, ended: { [weak self] in self?.inputEnded() })
        let opened = LocalStreams.input(descriptors.input, on: eventLoop, isReceived: areReceived, events)
        opened.whenComplete { result in
            guard case .success(let input) = result, !self.isOver else {
                if case .success(let input) = result { input.close() }
                self.channel?.sendEOF()
                return
            }
            self.input = input
            if self.channel == nil { input.read() } else { self.readOn() }
        }
    }

    // MARK: Input

    private func readOn() {
        guard let channel, let input else { return }
        waitsForRoom = !channel.isWritable
        if !waitsForRoom { input.read() }
    }

    private func received(_ bytes: ByteBuffer) {
        guard let channel, !isOver else {
            if plan.waitsForInput, !isOver, early == nil {
                early = bytes
                openSession()
            }
            return
        }
        if commandLine != nil {
            typeCommand(bytes.readableBytesView)
        } else if escapes?.passes(bytes.readableBytesView) ?? true {
            channel.write(bytes)
        } else {
            for step in escapes?.process(bytes.readableBytesView) ?? [] {
                switch step {
                case .data(let data) where commandLine == nil: channel.write(ByteBuffer(bytes: data))
                case .data(let data): typeCommand(data)
                case .command(let command, let letter): obey(command, letter)
                }
                if isOver { return }
            }
        }
        readOn()
    }

    private func inputEnded() {
        input = nil
        hasInputEnded = true
        channel?.sendEOF()
    }

    private func obey(_ command: EscapeMachine.Command, _ letter: UInt8) {
        guard let escapes else { return }
        let shown = escapes.shown(letter)
        switch command {
        case .disconnect:
            face?.show([shown])
            giveUp()
        case .suspend:
            face?.show([shown + " [suspend ssh]"])
            if face?.suspend() != true { face?.show(["This session cannot be suspended from here."]) }
        case .background:
            face?.show([shown, "A session does not go to the background; use -f, or --reuse for later calls."])
        case .listConnections:
            face?.show([shown, "The following connections are open:"])
            face?.connections().assumeIsolated().whenSuccess {
                self.face?.show(["  the session of this terminal"] + $0)
            }
        case .commandLine:
            guard face?.offersCommandLine == true else {
                face?.show([shown, "There is no command line in a session on a reused connection."])
                return
            }
            face?.setRaw(false)
            commandLine = []
            face?.show([""])
            prompt()
        case .rekey: host.beginRekey()
        case .sendBreak:
            face?.show([shown])
            channel?.sendBreak().assumeIsolated().whenFailure { _ in
                self.face?.show(["The host sends no break."])
            }
        case .moreVerbose: face?.show([shown + " " + (face?.changeVerbosity(by: 1) ?? "")])
        case .lessVerbose: face?.show([shown + " " + (face?.changeVerbosity(by: -1) ?? "")])
        case .help: face?.show([shown] + escapes.help)
        }
    }

    // MARK: The command line

    private func prompt() { errors?.write(ByteBuffer(string: "ssh> ")) { _ in } }

    private func typeCommand(_ bytes: some Sequence<UInt8>) {
        for byte in bytes {
            guard commandLine != nil else { return }
            guard byte == 0x0A || byte == 0x0D else {
                if commandLine?.count ?? 0 < 4096 { commandLine?.append(byte) }
                continue
            }
            let line = String(decoding: commandLine ?? [], as: UTF8.self)
            let answer = face?.run(commandLine: line)
            commandLine = nil
            escapes?.beginLine()
            guard let answer else {
                face?.setRaw(hasTerminal)
                continue
            }
            answer.assumeIsolated().whenComplete { result in
                if case .success(let lines) = result { self.face?.show(lines) }
                self.face?.setRaw(self.hasTerminal && !self.isOver)
            }
        }
    }

    // MARK: From outside

    /// Shows text where the program's errors go, without waiting for anybody who reads it.
    package func say(_ text: String) { errors?.write(ByteBuffer(string: text)) { _ in } }

    /// Ends the session here, whatever the host says.
    package func giveUp() {
        if !isOver { end = .givenUp }
        channel?.abort()
        // Whoever was to take the last of the output may never do so.
        if isOver { for output in [output, errors] { output?.abandon() } }
        finish(.givenUp)
    }

    /// Ends the session because whoever had it is gone. Its program is told by SIGHUP, as at a terminal's loss: a host does
    /// no more than close the pipes of one that has no terminal, which a program that writes nothing never notices.
    package func hangUp() {
        if !isOver, hasBegun { channel?.signal("HUP") }
        giveUp()
    }

    package func resize(columns: Int, rows: Int) {
        size = (columns, rows)
        if hasTerminal { channel?.resize(columns: columns, rows: rows) }
    }

    // MARK: SessionChannelDelegate

    package func channel(_ channel: SSHSessionChannel, received data: ByteBuffer, stream: SSHDataStream) {
        let count = data.readableBytes
        guard let target = stream == .standardOutput ? output : errors else { return channel.consumed(count) }
        target.write(data) { isTaken in
            channel.consumed(count)
            // Nobody reads it any more: the program is told, as by a broken pipe.
            if !isTaken, stream == .standardOutput { self.outputBroke(channel) }
        }
    }

    private func outputBroke(_ channel: SSHSessionChannel) {
        guard let broken = output else { return }
        if broken.fault != 0 { outputFault = broken.fault }
        output = nil
        channel.endOutput()
    }

    package func channel(_ channel: SSHSessionChannel, exited status: UInt32) {
        if end == nil { end = .status(status) }
    }

    package func channel(_ channel: SSHSessionChannel, exited signal: ExitSignal) {
        if end == nil { end = .signal(signal) }
    }

    package func channelEndOfWrite(_ channel: SSHSessionChannel) {
        input?.close()
        input = nil
        channel.sendEOF()
    }

    package func channel(_ channel: SSHSessionChannel, writabilityChanged isWritable: Bool) {
        if isWritable, waitsForRoom { readOn() }
    }

    package func channel(_ channel: SSHSessionChannel, closed error: SSHError?) {
        if let error, end == nil || error.code != .connectionClosed, !isOver {
            // What the program said before is what counts, if it said it.
            if end == nil { end = .failed(error) }
        }
        self.channel = nil
        finish(end ?? .unknown)
    }

    private func finish(_ end: SessionEnd) {
        guard !isOver else { return }
        isOver = true
        self.end = outputFault.map { .outputLost($0) } ?? end
        input?.close()
        input = nil
        if unopenedOutputs == 0 { closeOutputs() }
    }

    /// The terminal stays as it is until the last of the output is on it.
    private func closeOutputs() {
        let end = end ?? .unknown
        if let words = face?.lastWords(end) { say(words) }
        let outputs = [output, errors].compactMap { $0 }
        var left = outputs.count
        let complete = {
            self.face?.setRaw(false)
            self.finished.succeed(end)
        }
        if case .givenUp = end {
            for output in outputs { output.abandon() }
            return complete()
        }
        guard left > 0 else { return complete() }
        for output in outputs {
            output.close {
                left -= 1
                if left == 0 { complete() }
            }
        }
    }
}

extension SSHError {
    /// Any error of a session's futures.
    init(session error: any Error) {
        self =
            error as? SSHError
            ?? SSHError(.internalError, "The session could not be started: \(error).", hint: "Please report this.")
    }
}
