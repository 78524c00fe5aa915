import NIOConcurrencyHelpers
import NIOCore
import SSHProtocol

extension SSHConnection {
    /// Runs one command without a terminal and brings back everything it wrote.
    ///
    /// Cancelling the task closes the command's channel.
    ///
    /// ```swift
    /// let result = try await connection.run("uname -r")
    /// ```
    ///
    /// - Parameters:
    ///   - command: Interpreted by the user's shell on the host.
    ///   - stdin: Bytes for its standard input, which then ends.
    ///   - limit: Bytes of standard output and standard error together that are kept; the rest is read and dropped.
    /// - Throws: `channel_refused`, `request_refused`, or why the connection ended.
    public func run(
        _ command: String, stdin: [UInt8] = [], limit: Int = 1 << 20
    ) async throws(SSHError) -> CommandResult {
        let cancellation = RunCancellation()
        let run = { () async -> Result<CommandResult, SSHError> in
            await self.outcome { connection in
                let run = CommandRun(stdin: stdin, limit: limit, on: connection.eventLoop)
                let opened = connection.makeSession(delegate: run).assumeIsolated()
                opened.whenSuccess { channel in
                    if cancellation.adopt(channel) { run.start(command, on: channel) } else { run.cancel(channel) }
                }
                opened.whenFailure { run.fail($0) }
                return run.result
            }
        }
        let outcome = await withTaskCancellationHandler(operation: run) {
            guard let channel = cancellation.cancel() else { return }
            eventLoop.execute { channel.abort() }
        }
        if cancellation.isCancelled { throw .cancelled }
        return try outcome.get()
    }
}

/// The channel of a run, to be aborted from outside of its event loop.
private final class RunCancellation: Sendable {
    private let state = NIOLockedValueBox<(channel: SSHSessionChannel?, isCancelled: Bool)>((nil, false))

    /// False when the run was cancelled before its channel stood.
    func adopt(_ channel: SSHSessionChannel) -> Bool {
        state.withLockedValue { state in
            state.channel = channel
            return !state.isCancelled
        }
    }

    var isCancelled: Bool { state.withLockedValue { $0.isCancelled } }

    func cancel() -> SSHSessionChannel? {
        state.withLockedValue { state in
            state.isCancelled = true
            return state.channel
        }
    }
}

/// Collects the output of one command. Loop-bound.
private final class CommandRun: SessionChannelDelegate {
    var result: EventLoopFuture<CommandResult> { promise.futureResult }

    private let promise: EventLoopPromise<CommandResult>
    private let limit: Int
    private var stdin: ByteBuffer
    private var collected = CommandResult(standardOutput: [], standardError: [], exit: .unknown, isTruncated: false)
    private var failure: SSHError?

    init(stdin: [UInt8], limit: Int, on eventLoop: any EventLoop) {
        self.promise = eventLoop.makePromise(of: CommandResult.self)
        self.limit = limit
        self.stdin = ByteBuffer(bytes: stdin)
    }

    func start(_ command: String, on channel: SSHSessionChannel) {
        channel.exec(command).assumeIsolated().whenFailure { error in
            self.failure = self.failure ?? SSHError(any: error)
            channel.abort()
        }
        feed(channel)
    }

    func fail(_ error: any Error) { promise.fail(error) }

    func cancel(_ channel: SSHSessionChannel) {
        failure = .cancelled
        channel.abort()
    }

    private func feed(_ channel: SSHSessionChannel) {
        while channel.isWritable, let piece = stdin.readSlice(length: min(stdin.readableBytes, 64 * 1024)),
            piece.readableBytes > 0
        {
            channel.write(piece)
        }
        if stdin.readableBytes == 0 { channel.sendEOF() }
    }

    func channel(_ channel: SSHSessionChannel, received data: ByteBuffer, stream: SSHDataStream) {
        let room = limit - collected.standardOutput.count - collected.standardError.count
        if data.readableBytes > room { collected.isTruncated = true }
        let kept = data.readableBytesView.prefix(max(0, room))
        switch stream {
        case .standardOutput: collected.standardOutput.append(contentsOf: kept)
        case .standardError: collected.standardError.append(contentsOf: kept)
        }
        channel.consumed(data.readableBytes)
    }

    func channel(_ channel: SSHSessionChannel, exited status: UInt32) { collected.exit = .status(status) }

    func channel(_ channel: SSHSessionChannel, exited signal: ExitSignal) { collected.exit = .signal(signal) }

    func channel(_ channel: SSHSessionChannel, writabilityChanged isWritable: Bool) {
        if isWritable { feed(channel) }
    }

    func channel(_ channel: SSHSessionChannel, closed error: SSHError?) {
        if let error = error ?? failure {
            promise.fail(error)
        } else {
            promise.succeed(collected)
        }
    }
}
