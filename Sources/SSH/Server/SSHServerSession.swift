public import NIOCore
public import SSHProtocol

/// Something that happens to a session beside its input.
public enum SSHServerSessionEvent: Sendable, Hashable {
    /// The terminal has another size (RFC 4254 §6.7).
    case resized(SSHServerTerminal)
    /// Without "SIG" (RFC 4254 §6.9).
    case signal(String)
    /// RFC 4335, in milliseconds.
    case breakReceived(milliseconds: UInt32)
}

/// A session as its handler's task sees it: input as an asynchronous sequence, output by a `write` that waits for room.
public final class SSHServerSession: AsyncSequence, Sendable {
    public typealias Element = ByteBuffer
    public typealias Failure = SSHError

    /// The session on its loop.
    public let channel: SSHServerSessionChannel
    /// Changes of the terminal's size, signals and breaks. For one reader; of more than 64 unread ones the oldest go.
    public let events: AsyncStream<SSHServerSessionEvent>
    private let mailbox: ChannelMailbox

    init(
        _ channel: SSHServerSessionChannel, _ mailbox: ChannelMailbox, _ events: AsyncStream<SSHServerSessionEvent>
    ) {
        self.channel = channel
        self.mailbox = mailbox
        self.events = events
    }

    public var connection: SSHServerConnection { channel.connection }
    public var user: AuthenticatedUser { channel.info.user }
    public var program: SSHServerProgram { channel.info.program }
    public var environment: [String: String] { channel.info.environment }
    /// As it was asked for; later sizes come by `events`.
    public var terminal: SSHServerTerminal? { channel.info.terminal }

    /// The command as text; nil for a shell or a subsystem.
    public var command: String? {
        if case .exec(let bytes) = program { return String(decoding: bytes, as: UTF8.self) }
        return nil
    }

    public struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let session: SSHServerSession

        /// The next bytes of the program's standard input; nil at its end.
        public mutating func next(
            isolation actor: isolated (any Actor)? = #isolation
        ) async throws(SSHError) -> ByteBuffer? {
            try await session.read()
        }

        public mutating func next() async throws(SSHError) -> ByteBuffer? { try await session.read() }
    }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(session: self) }

    /// The next bytes of the program's standard input; nil at its end. Whoever does not read stops the client.
    public func read() async throws(SSHError) -> ByteBuffer? { try await mailbox.next()?.data }

    /// Writes to the program's standard output, or its standard error; returns when there was room for it.
    ///
    /// - Throws: `channel_closed` when the client closed the session, why the connection ended, or `cancelled`.
    public func write(_ data: ByteBuffer, to stream: SSHDataStream = .standardOutput) async throws(SSHError) {
        try await mailbox.write(data, stream)
    }

    public func write(_ text: String, to stream: SSHDataStream = .standardOutput) async throws(SSHError) {
        try await write(ByteBuffer(string: text), to: stream)
    }

    /// Opens a connection to the client's agent, where the session was allowed one.
    public func openAgent() async throws(SSHError) -> SSHChannelStream {
        guard channel.info.hasAgent else { throw .requestRefused("a connection to an agent that was not offered") }
        return try await connection.openStream(.agent)
    }
}

/// Runs a session's handler in a task, and feeds it from the loop. Loop-bound.
final class SessionTask: SSHServerSessionDelegate, MailboxChannel {
    private let channel: SSHServerSessionChannel
    private let handler: SSHSessionHandler
    private let mailbox: ChannelMailbox
    private let events: AsyncStream<SSHServerSessionEvent>.Continuation
    private let session: SSHServerSession
    private var task: Task<Void, Never>?

    init(_ channel: SSHServerSessionChannel, _ handler: @escaping SSHSessionHandler) {
        self.channel = channel
        self.handler = handler
        mailbox = ChannelMailbox(on: channel.connection.eventLoop)
        let (stream, continuation) = AsyncStream.makeStream(
            of: SSHServerSessionEvent.self, bufferingPolicy: .bufferingNewest(64))
        events = continuation
        session = SSHServerSession(channel, mailbox, stream)
    }

    func sessionStarted(_ channel: SSHServerSessionChannel) {
        mailbox.connect(self)
        let (session, handler) = (session, handler)
        task = Task {
            let exit: CommandResult.Exit
            do {
                exit = try await handler(session)
            } catch {
                // As OpenSSH's client reports a failure that is not the program's own.
                exit = .status(255)
            }
            channel.connection.eventLoop.execute { channel.exit(exit) }
        }
    }

    func session(_ session: SSHServerSessionChannel, received data: ByteBuffer) { mailbox.push(data) }

    func sessionEndOfFile(_ session: SSHServerSessionChannel) { mailbox.end() }

    func session(_ session: SSHServerSessionChannel, resized terminal: SSHServerTerminal) {
        events.yield(.resized(terminal))
    }

    func session(_ session: SSHServerSessionChannel, signal name: String) { events.yield(.signal(name)) }

    func session(_ session: SSHServerSessionChannel, breakFor milliseconds: UInt32) -> Bool {
        events.yield(.breakReceived(milliseconds: milliseconds))
        return true
    }

    func session(_ session: SSHServerSessionChannel, writabilityChanged isWritable: Bool) {
        mailbox.writabilityChanged(isWritable)
    }

    func session(_ session: SSHServerSessionChannel, closed error: SSHError?) {
        mailbox.close(error)
        events.finish()
        task?.cancel()
    }

    // MARK: MailboxChannel

    func mailboxConsumed(_ bytes: Int) { channel.consumed(bytes) }

    func mailboxWrite(_ data: ByteBuffer, _ stream: SSHDataStream) -> Bool { channel.write(data, stream: stream) }

    var mailboxIsWritable: Bool { channel.isWritable }

    var mailboxTakesInput: Bool { channel.takesInput }
}
