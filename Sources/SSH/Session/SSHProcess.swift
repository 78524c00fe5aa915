public import NIOCore
public import SSHProtocol

/// A terminal to be asked for (RFC 4254 §6.2).
public struct SSHTerminal: Sendable, Hashable {
    /// The TERM value.
    public var type: String
    /// In characters.
    public var columns: Int
    public var rows: Int
    public var modes: TerminalModes

    public init(
        type: String = "xterm-256color", columns: Int = 80, rows: Int = 24, modes: TerminalModes = .interactive
    ) {
        self.type = type
        self.columns = columns
        self.rows = rows
        self.modes = modes
    }
}

/// A shell or a command on a host, for tasks: output as an asynchronous sequence, input by a `write` that waits for room.
///
/// Whoever does not read stops the process by its channel's window. The channel closes when nobody holds this any more.
///
/// ```swift
/// let shell = try await connection.openShell(pty: SSHTerminal(columns: 120, rows: 40))
/// try await shell.write("uptime; exit\n")
/// for try await output in shell { print(String(buffer: output.bytes), terminator: "") }
/// print(try await shell.exit())
/// ```
public final class SSHProcess: AsyncSequence, Sendable {
    /// Bytes of one of the process's streams. With a terminal there is only standard output.
    public struct Output: Sendable, Hashable {
        public var bytes: ByteBuffer
        public var stream: SSHDataStream
    }

    public typealias Element = Output
    public typealias Failure = SSHError

    /// The channel on its loop.
    public let channel: SSHSessionChannel
    private let mailbox: ChannelMailbox
    private let ended: EventLoopFuture<CommandResult.Exit>

    fileprivate init(
        _ channel: SSHSessionChannel, _ mailbox: ChannelMailbox, ended: EventLoopFuture<CommandResult.Exit>
    ) {
        self.channel = channel
        self.mailbox = mailbox
        self.ended = ended
    }

    deinit {
        let channel = channel
        channel.connection.eventLoop.execute { channel.close() }
    }

    public struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let process: SSHProcess

        /// The next output; nil when there is no more.
        public mutating func next(
            isolation actor: isolated (any Actor)? = #isolation
        ) async throws(SSHError) -> Output? {
            try await process.read()
        }

        public mutating func next() async throws(SSHError) -> Output? { try await process.read() }
    }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(process: self) }

    /// The next output, as much as came together; nil when there is no more.
    public func read() async throws(SSHError) -> Output? {
        try await mailbox.next().map { Output(bytes: $0.data, stream: $0.stream) }
    }

    /// Writes to the process's standard input; returns when there was room for it.
    ///
    /// - Throws: `channel_closed`, why the connection ended, or `cancelled`.
    public func write(_ data: ByteBuffer) async throws(SSHError) { try await mailbox.write(data) }

    /// Writes text as UTF-8.
    public func write(_ text: String) async throws(SSHError) { try await write(ByteBuffer(string: text)) }

    /// Ends the process's standard input, after what was written.
    public func finish() { onLoop { $0.sendEOF() } }

    /// Tells the host the terminal's new size in characters.
    public func resize(columns: Int, rows: Int) { onLoop { $0.resize(columns: columns, rows: rows) } }

    /// Sends a signal, without "SIG".
    public func signal(_ name: String) { onLoop { $0.signal(name) } }

    /// Closes the channel, after what was written.
    public func close() { onLoop { $0.close() } }

    /// Waits until the channel is over and says how the process ended. Unread output holds that up.
    public func exit() async throws(SSHError) -> CommandResult.Exit {
        do {
            return try await ended.get()
        } catch {
            throw SSHError(any: error)
        }
    }

    private func onLoop(_ body: @escaping @Sendable (SSHSessionChannel) -> Void) {
        let channel = channel
        channel.connection.eventLoop.execute { body(channel) }
    }
}

extension SSHConnection {
    /// Starts the user's shell.
    ///
    /// - Parameter pty: The terminal it runs on; nil runs it without one.
    /// - Throws: `channel_refused`, `request_refused`, `cancelled`, or why the connection ended.
    public func openShell(pty: SSHTerminal? = SSHTerminal()) async throws(SSHError) -> SSHProcess {
        try await start(pty) { $0.shell() }
    }

    /// Starts a command, which the host's shell interprets, and leaves its streams to the caller. `run` collects them.
    public func start(_ command: String, pty: SSHTerminal? = nil) async throws(SSHError) -> SSHProcess {
        try await start(pty) { $0.exec(command) }
    }

    /// Starts a subsystem, such as "sftp".
    public func openSubsystem(_ name: String) async throws(SSHError) -> SSHProcess {
        try await start(nil) { $0.subsystem(name) }
    }

    private func start(
        _ pty: SSHTerminal?, _ program: @escaping @Sendable (SSHSessionChannel) -> EventLoopFuture<Void>
    ) async throws(SSHError) -> SSHProcess {
        let mailbox = ChannelMailbox(on: eventLoop)
        let ended = eventLoop.makePromise(of: CommandResult.Exit.self)
        let channel = try await opening { connection, cancellation in
            let owner = ProcessOwner(mailbox, ended)
            let opening = connection.makeSession(delegate: owner, cancellation: cancellation).assumeIsolated()
                .map { channel in
                    owner.adopt(channel)
                    return channel
                }.nonisolated()
            // It is never told about a channel that was not opened.
            opening.whenFailure { ended.fail($0) }
            return opening
        }
        // Closes the channel by itself when one of the next steps fails.
        let process = SSHProcess(channel, mailbox, ended: ended.futureResult)
        // The host may take its time with a program, too.
        try await opening { _, cancellation in
            let channel = process.channel
            cancellation.adopt { channel.connection.eventLoop.execute { channel.abort() } }
            if let pty {
                channel.requestPTY(term: pty.type, columns: pty.columns, rows: pty.rows, modes: pty.modes)
                    .whenFailure { _ in channel.abort() }
            }
            return program(channel)
        }
        return process
    }
}

/// Fills a process's mailbox. Loop-bound.
private final class ProcessOwner: SessionChannelDelegate, MailboxChannel {
    private let mailbox: ChannelMailbox
    private let ended: EventLoopPromise<CommandResult.Exit>
    private var exit = CommandResult.Exit.unknown
    private weak var channel: SSHSessionChannel?

    init(_ mailbox: ChannelMailbox, _ ended: EventLoopPromise<CommandResult.Exit>) {
        self.mailbox = mailbox
        self.ended = ended
    }

    func adopt(_ channel: SSHSessionChannel) {
        self.channel = channel
        mailbox.connect(self)
    }

    func channel(_ channel: SSHSessionChannel, received data: ByteBuffer, stream: SSHDataStream) {
        mailbox.push(data, stream)
    }

    func channel(_ channel: SSHSessionChannel, exited status: UInt32) { exit = .status(status) }

    func channel(_ channel: SSHSessionChannel, exited signal: ExitSignal) { exit = .signal(signal) }

    func channelEndOfFile(_ channel: SSHSessionChannel) { mailbox.end() }

    func channel(_ channel: SSHSessionChannel, writabilityChanged isWritable: Bool) {
        mailbox.writabilityChanged(isWritable)
    }

    func channel(_ channel: SSHSessionChannel, closed error: SSHError?) {
        mailbox.close(error)
        if let error { ended.fail(error) } else { ended.succeed(exit) }
    }

    // MARK: MailboxChannel

    func mailboxConsumed(_ bytes: Int) { channel?.consumed(bytes) }

    func mailboxWrite(_ data: ByteBuffer, _ stream: SSHDataStream) -> Bool { channel?.write(data) ?? false }

    var mailboxIsWritable: Bool { channel?.isWritable ?? false }

    var mailboxTakesInput: Bool { channel?.takesInput ?? false }
}
