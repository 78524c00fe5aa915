import NIOCore
import SSH

/// A command's standard input and output as scp's stream. Its state belongs to the connection's event loop.
final class SessionSCPStream: SCPStream {
    private let bound: NIOLoopBound<State>
    private let eventLoop: any EventLoop

    private init(_ bound: NIOLoopBound<State>, _ eventLoop: any EventLoop) {
        self.bound = bound
        self.eventLoop = eventLoop
    }

    static func start(_ command: String, on connection: SSHConnection) async throws(SFTPError) -> SessionSCPStream {
        let eventLoop = connection.eventLoop
        do {
            let bound = try await eventLoop.flatSubmit {
                let state = State()
                let bound = NIOLoopBound(state, eventLoop: eventLoop)
                return connection.makeSession(delegate: state).assumeIsolated().flatMap { channel in
                    state.channel = channel
                    return channel.exec(command).map { bound }
                }.nonisolated()
            }.get()
            return SessionSCPStream(bound, eventLoop)
        } catch { throw .subsystemRefused(error) }
    }

    deinit {
        let bound = bound
        eventLoop.execute { bound.value.channel?.abort() }
    }

    func read() async throws(SFTPError) -> ByteBuffer? {
        let bound = bound
        let eventLoop = eventLoop
        let outcome: Result<ByteBuffer?, SFTPError> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                eventLoop.execute { bound.value.read { continuation.resume(returning: $0) } }
            }
        } onCancel: {
            eventLoop.execute { bound.value.cancel() }
        }
        return try outcome.get()
    }

    func write(_ data: ByteBuffer) async throws(SFTPError) {
        let bound = bound
        let eventLoop = eventLoop
        let outcome: Result<Void, SFTPError> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                eventLoop.execute { bound.value.write(data) { continuation.resume(returning: $0) } }
            }
        } onCancel: {
            eventLoop.execute { bound.value.cancel() }
        }
        try outcome.get()
    }

    /// Nothing more comes from this end.
    func finish() {
        let bound = bound
        eventLoop.execute { bound.value.channel?.sendEOF() }
    }

    private final class State: SessionChannelDelegate {
        var channel: SSHSessionChannel?
        private var received = ByteBuffer()
        private var reader: ((Result<ByteBuffer?, SFTPError>) -> Void)?
        private var writer: (ByteBuffer, (Result<Void, SFTPError>) -> Void)?
        private var end: Result<ByteBuffer?, SFTPError>?

        func read(_ done: @escaping (Result<ByteBuffer?, SFTPError>) -> Void) {
            if received.readableBytes > 0 {
                let data = received
                received = ByteBuffer()
                channel?.consumed(data.readableBytes)
                return done(.success(data))
            }
            if let end { return done(end) }
            reader = done
        }

        func write(_ data: ByteBuffer, _ done: @escaping (Result<Void, SFTPError>) -> Void) {
            guard let channel, end == nil else { return done(.failure(failure)) }
            guard channel.isWritable else { return writer = (data, done) }
            done(channel.write(data) ? .success(()) : .failure(failure))
        }

        private var failure: SFTPError {
            if case .failure(let error)? = end { return error }
            return .scpEnded
        }

        func cancel() {
            finish(.failure(.cancelled))
            channel?.abort()
        }

        private func finish(_ end: Result<ByteBuffer?, SFTPError>) {
            if self.end == nil { self.end = end }
            let (reader, writer) = (reader, writer)
            (self.reader, self.writer) = (nil, nil)
            if received.readableBytes == 0 { reader?(self.end ?? end) }
            writer?.1(.failure(failure))
        }

        func channel(_ channel: SSHSessionChannel, received data: ByteBuffer, stream: SSHDataStream) {
            guard stream == .standardOutput else { return channel.consumed(data.readableBytes) }
            received.writeImmutableBuffer(data)
            guard let reader else { return }
            self.reader = nil
            read(reader)
        }

        func channelEndOfFile(_ channel: SSHSessionChannel) {
            // What was sent may still be read; a reader that waits has seen all of it.
            if end == nil { end = .success(nil) }
            if let reader {
                self.reader = nil
                read(reader)
            }
        }

        func channel(_ channel: SSHSessionChannel, writabilityChanged isWritable: Bool) {
            guard isWritable, let (data, done) = writer else { return }
            writer = nil
            write(data, done)
        }

        func channel(_ channel: SSHSessionChannel, closed error: SSHError?) {
            finish(error.map { .failure(.lost($0)) } ?? .success(nil))
            self.channel = nil
        }
    }
}
