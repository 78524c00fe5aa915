import NIOConcurrencyHelpers
public import NIOCore

/// What a program writes to one stream, for one reader.
///
/// At most 256 KiB wait here, and what the system held when that was reached; then the program waits.
public final class ProcessOutput: AsyncSequence, Sendable {
    public typealias Element = ByteBuffer
    public typealias Failure = Never

    private static let upperMark = 256 * 1024
    private static let lowerMark = 64 * 1024

    private struct State {
        var waiting = CircularBuffer<ByteBuffer>()
        var bytes = 0
        var isPaused = false
        var isFinished = false
        var reader: (number: UInt64, continuation: CheckedContinuation<ByteBuffer?, Never>)?
        var reads: UInt64 = 0
        var control: (@Sendable (Bool) -> Void)?
    }

    private let state = NIOLockedValueBox(State())
    private let eventLoop: any EventLoop

    init(on eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    /// - Parameter control: Turns reading on and off, on the loop.
    func connect(_ control: @escaping @Sendable (Bool) -> Void) {
        let isPaused = state.withLockedValue { state in
            state.control = control
            return state.isPaused
        }
        if isPaused { control(false) }
    }

    // MARK: The loop's side

    func push(_ data: ByteBuffer) {
        let (reader, pause) = state.withLockedValue {
            state -> (CheckedContinuation<ByteBuffer?, Never>?, (@Sendable (Bool) -> Void)?) in
            if let reader = state.reader {
                state.reader = nil
                return (reader.continuation, nil)
            }
            state.waiting.append(data)
            state.bytes += data.readableBytes
            guard state.bytes >= Self.upperMark, !state.isPaused else { return (nil, nil) }
            state.isPaused = true
            return (nil, state.control)
        }
        reader?.resume(returning: data)
        pause?(false)
    }

    func finish() {
        let reader = state.withLockedValue { state in
            state.isFinished = true
            state.control = nil
            defer { state.reader = nil }
            return state.reader
        }
        reader?.continuation.resume(returning: nil)
    }

    // MARK: The reader's side

    public struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let output: ProcessOutput

        /// The next bytes, as they came; nil when there are no more, or the task was cancelled.
        public mutating func next(
            isolation actor: isolated (any Actor)? = #isolation
        ) async throws(Never) -> ByteBuffer? {
            await output.read()
        }

        public mutating func next() async -> ByteBuffer? { await output.read() }
    }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(output: self) }

    /// The next bytes, as they came; nil when there are no more, or the task was cancelled.
    public func read() async -> ByteBuffer? {
        let number = state.withLockedValue { state in
            state.reads += 1
            return state.reads
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                take(number, continuation)
            }
        } onCancel: {
            giveUp(number)
        }
    }

    private func take(_ number: UInt64, _ continuation: CheckedContinuation<ByteBuffer?, Never>) {
        var resume: (@Sendable (Bool) -> Void)?
        let answer = state.withLockedValue { state -> ByteBuffer?? in
            if let data = state.waiting.popFirst() {
                state.bytes -= data.readableBytes
                if state.isPaused, state.bytes <= Self.lowerMark {
                    state.isPaused = false
                    resume = state.control
                }
                return .some(data)
            }
            // A second reader at once is nobody's intention: it gets the end.
            if state.isFinished || state.reader != nil || Task.isCancelled { return .some(nil) }
            state.reader = (number, continuation)
            return nil
        }
        if let resume { eventLoop.execute { resume(true) } }
        if let answer { continuation.resume(returning: answer) }
    }

    private func giveUp(_ number: UInt64) {
        let reader = state.withLockedValue { state -> CheckedContinuation<ByteBuffer?, Never>? in
            guard state.reader?.number == number else { return nil }
            defer { state.reader = nil }
            return state.reader?.continuation
        }
        reader?.resume(returning: nil)
    }

    /// Everything until the end, as text; bytes beyond `limit` are read and dropped.
    public func text(limit: Int = 1 << 20) async -> String {
        var bytes = ByteBuffer()
        while let next = await read() {
            let room = limit - bytes.readableBytes
            let length = Swift.min(room, next.readableBytes)
            if length > 0, let slice = next.getSlice(at: next.readerIndex, length: length) {
                bytes.writeImmutableBuffer(slice)
            }
        }
        return String(buffer: bytes)
    }
}
