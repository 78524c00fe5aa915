import NIOConcurrencyHelpers
public import NIOCore
public import SSH

/// The terminal of a visit. It is always raw: bytes come as they are typed, and nothing is echoed by itself.
public struct ApplicationTerminal: Sendable, Hashable {
    /// The TERM value.
    public var type: String
    /// In characters; at least 1.
    public var columns: Int
    public var rows: Int

    public init(type: String, columns: Int, rows: Int) {
        self.type = type
        self.columns = max(columns, 1)
        self.rows = max(rows, 1)
    }
}

/// What happens to a visit beside its input.
public enum ApplicationEvent: Sendable, Hashable {
    /// The terminal has another size.
    case resized(ApplicationTerminal)
    /// Without "SIG".
    case signal(String)
}

/// What carries a visit: a session of our server, or the standard streams of a process.
public protocol VisitStreams: Sendable {
    /// As it is now; nil without a terminal.
    var terminal: ApplicationTerminal? { get }
    /// What happens from now on. Of more than 64 unread ones the oldest go.
    func makeEvents() -> AsyncStream<ApplicationEvent>
    /// The next bytes; nil at the end. For one reader at a time.
    func read() async throws -> ByteBuffer?
    /// Returns when there was room.
    func write(_ data: ByteBuffer, to stream: SSHDataStream) async throws
}

/// One visit to an application: who came, what was asked for, and the way to and fro.
public struct ApplicationVisit: Sendable {
    public var identity: ApplicationIdentity
    /// The command, taken apart as a POSIX shell does it; nil when none was given.
    public var arguments: [String]?
    /// What the client sent and was allowed to; under sshd the process's.
    public var environment: [String: String]
    private let streams: any VisitStreams
    private let unread = NIOLockedValueBox(ByteBuffer())

    public init(
        identity: ApplicationIdentity, arguments: [String]?, environment: [String: String] = [:],
        streams: any VisitStreams
    ) {
        self.identity = identity
        self.arguments = arguments
        self.environment = environment
        self.streams = streams
    }

    /// The terminal with its present size; nil without one.
    public var terminal: ApplicationTerminal? { streams.terminal }

    /// Changes of the terminal's size, and signals, from now on: each call gives a stream of its own.
    public func events() -> AsyncStream<ApplicationEvent> { streams.makeEvents() }

    /// The next bytes of input; nil at its end. For one reader at a time.
    public func read() async throws -> ByteBuffer? {
        let kept = unread.withLockedValue { unread in
            defer { unread = ByteBuffer() }
            return unread
        }
        return kept.readableBytes > 0 ? kept : try await streams.read()
    }

    /// Gives back what was read too far; it comes first at the next `read`.
    func unread(_ bytes: ByteBuffer) {
        unread.withLockedValue { unread in
            var all = bytes
            all.writeImmutableBuffer(unread)
            unread = all
        }
    }

    /// Writes bytes as they are.
    public func write(_ data: ByteBuffer, to stream: SSHDataStream = .standardOutput) async throws {
        try await streams.write(data, to: stream)
    }

    /// Writes text as it is: a line end in a terminal is "\r\n".
    public func write(_ text: String, to stream: SSHDataStream = .standardOutput) async throws {
        try await write(ByteBuffer(string: text), to: stream)
    }

    /// Writes a line, or several, with the line ends that fit. Text from elsewhere is to be neutralised first.
    public func print(_ text: String = "") async throws { try await write(lines(text)) }

    /// The same on standard error; a terminal has one stream alone.
    public func printError(_ text: String) async throws {
        try await write(lines(text), to: terminal == nil ? .standardError : .standardOutput)
    }

    private func lines(_ text: String) -> String {
        guard terminal != nil else { return text + "\n" }
        let split = text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
        return split.joined(separator: "\r\n") + "\r\n"
    }

    /// The same visit without the first word of its command, for the application which that word chose.
    func droppingFirstArgument() -> ApplicationVisit {
        var visit = self
        visit.arguments = arguments.map { Array($0.dropFirst()) }
        return visit
    }
}
