import Glibc
import NIOCore
import NIOPosix
import SSH

/// A session's shell or command, on pipes or a terminal. Loop-bound.
final class ServedProgram: SSHServerSessionDelegate {
    private let session: SSHServerSessionChannel
    private let reaper: ProcessReaper
    private var program: StartedProgram?
    private var input: (any Channel)?
    private var output: (any Channel)?
    private var outputHandler: ProgramOutput?
    /// What came in this tick, or before the pipe stood.
    private var pending: [ByteBuffer] = []
    private var isFlushScheduled = false
    private var hasInputEnded = false
    private var hasOutputEnded = false
    private var isClosed = false
    private var exit: CommandResult.Exit?

    init(_ session: SSHServerSessionChannel, _ reaper: ProcessReaper) {
        self.session = session
        self.reaper = reaper
    }

    private var eventLoop: any EventLoop { session.connection.eventLoop }

    // MARK: Start

    /// A thread that starts a program stands still until the program runs: not the loop's, on which other channels wait.
    /// When no program runs nobody waits, and a change of threads would only take time.
    func sessionStarted(_ session: SSHServerSessionChannel) {
        var words = ["/bin/bash"]
        if case .exec(let command) = session.info.program { words += ["-c", String(decoding: command, as: UTF8.self)] }
        let environment = Self.environment + session.info.environment.map { "\($0)=\($1)" }
        let start = { @Sendable [words, terminal = session.info.terminal] in
            try StartedProgram(shellWords: words, terminal: terminal, environment: environment)
        }
        guard !reaper.isIdle else { return started(Result { try start() }) }
        reaper.starters.runIfActive(eventLoop: eventLoop, start).assumeIsolated()
            .whenComplete { self.started($0) }
    }

    private func started(_ result: Result<StartedProgram, any Error>) {
        switch result {
        case .success(let program): adopt(program)
        case .failure: session.exit(.status(126))
        }
    }

    private func adopt(_ program: StartedProgram) {
        guard !isClosed else { return program.abandon(reaper) }
        self.program = program
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        let eventLoop = eventLoop
        reaper.whenEnded(program.identifier) { status in eventLoop.execute { bound.value.ended(status) } }

        let handler = ProgramOutput(self)
        outputHandler = handler
        let boundHandler = NIOLoopBound(handler, eventLoop: eventLoop)
        let bootstrap = NIOPipeBootstrap(group: eventLoop)
            .channelOption(.recvAllocator, value: Self.reads)
        let reading = bootstrap.channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(boundHandler.value)
            }
        }
        if program.isTerminal {
            reading.takingOwnershipOfDescriptor(inputOutput: program.output).assumeIsolated().whenSuccess { channel in
                self.output = channel
                self.input = channel
                self.flush()
            }
        } else {
            reading.takingOwnershipOfDescriptor(input: program.output).assumeIsolated()
                .whenSuccess { self.output = $0 }
            NIOPipeBootstrap(group: eventLoop).takingOwnershipOfDescriptor(output: program.input).assumeIsolated()
                .whenSuccess { channel in
                    self.input = channel
                    self.flush()
                }
        }
    }

    private static let reads = AdaptiveRecvByteBufferAllocator(minimum: 1024, initial: 4096, maximum: 262_144)

    /// The variables that make bash behave as under sshd.
    private static let environment = [
        "PATH=/usr/local/bin:/usr/bin:/bin", "HOME=" + (getenv("HOME").map { String(cString: $0) } ?? "/"),
        "SHELL=/bin/bash", "USER=root", "LOGNAME=root", "TERM=xterm-256color",
        "SSH_CLIENT=127.0.0.1 1 1", "SSH_CONNECTION=127.0.0.1 1 127.0.0.1 1",
    ]

    // MARK: Input

    func session(_ session: SSHServerSessionChannel, received data: ByteBuffer) {
        pending.append(data)
        guard !isFlushScheduled else { return }
        isFlushScheduled = true
        eventLoop.assumeIsolated().execute { self.flush() }
    }

    /// One write for all that came together; the window is given back when the program has it.
    private func flush() {
        isFlushScheduled = false
        guard let input else { return }
        let bytes = pending.reduce(0) { $0 + $1.readableBytes }
        let last = pending.popLast()
        for data in pending { input.write(data, promise: nil) }
        pending.removeAll(keepingCapacity: true)
        if let last {
            input.writeAndFlush(last).assumeIsolated().whenComplete { _ in self.session.consumed(bytes) }
        }
        if hasInputEnded, program?.isTerminal == false {
            // Closing drops what is not written; an empty write is done when everything before it is.
            input.writeAndFlush(ByteBuffer()).whenComplete { _ in input.close(promise: nil) }
        }
    }

    func sessionEndOfFile(_ session: SSHServerSessionChannel) {
        hasInputEnded = true
        if program?.isTerminal == true { pending.append(ByteBuffer(bytes: [4])) }
        eventLoop.assumeIsolated().execute { self.flush() }
    }

    // MARK: Output

    var takesOutput: Bool { session.isWritable }

    func write(_ data: ByteBuffer) { session.write(data) }

    func session(_ session: SSHServerSessionChannel, writabilityChanged isWritable: Bool) {
        if isWritable { outputHandler?.resume() }
    }

    func outputEnded() {
        hasOutputEnded = true
        outputHandler = nil
        finishIfDone()
    }

    // MARK: The end

    private func ended(_ status: Int32) {
        exit = status & 0x7F == 0 ? .status(UInt32(status >> 8 & 0xFF)) : .signal(ExitSignal(name: "KILL"))
        finishIfDone()
    }

    private func finishIfDone() {
        guard let exit, hasOutputEnded else { return }
        session.exit(exit)
    }

    func session(_ session: SSHServerSessionChannel, closed error: SSHError?) {
        isClosed = true
        if let program, exit == nil { kill(program.identifier, SIGHUP) }
        outputHandler = nil
        input?.close(promise: nil)
        output?.close(promise: nil)
        input = nil
        output = nil
    }
}

/// Brings what a program writes to its session, as fast as that takes it.
final class ProgramOutput: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var program: ServedProgram?
    private var context: ChannelHandlerContext?
    private var isHeld = false

    init(_ program: ServedProgram) { self.program = program }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        end()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { program?.write(unwrapInboundIn(data)) }

    func read(context: ChannelHandlerContext) {
        if program?.takesOutput == true {
            context.read()
        } else {
            isHeld = true
        }
    }

    func resume() {
        guard isHeld else { return }
        isHeld = false
        context?.read()
    }

    func channelInactive(context: ChannelHandlerContext) { end() }

    /// A terminal whose program has gone gives an error where a pipe gives its end.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        end()
        context.close(promise: nil)
    }

    private func end() {
        program?.outputEnded()
        program = nil
    }
}
