// From the event loop to tasks and back: bytes wait for their reader, writers wait for room.

import NIOConcurrencyHelpers
import NIOCore
import SSHProtocol

/// What the loop puts into a mailbox and takes out of it. Loop-bound.
protocol MailboxChannel: AnyObject {
    func mailboxConsumed(_ bytes: Int)
    func mailboxWrite(_ data: ByteBuffer, _ stream: SSHDataStream) -> Bool
    var mailboxIsWritable: Bool { get }
    /// Whether our half of the data is still open.
    var mailboxTakesInput: Bool { get }
}

/// The bytes of one channel on their way to a task, and of tasks on their way to a channel.
///
/// It holds at most the channel's window, since window is given back only for what a reader took; and of each writer one
/// piece, since a writer waits until its piece is queued.
final class ChannelMailbox: Sendable {
    struct Piece: Sendable {
        var data: ByteBuffer
        var stream: SSHDataStream
    }

    private struct Inbox {
        var pieces = CircularBuffer<Piece>()
        var readers = CircularBuffer<
            (ticket: UInt64, continuation: CheckedContinuation<Result<Piece?, SSHError>, Never>)
        >()
        var isEnded = false
        var failure: SSHError?
        /// Taken by a reader and not given back yet.
        var taken = 0
        var tickets: UInt64 = 0
        var cancelled: Set<UInt64> = []
    }

    private struct Writer {
        var ticket: UInt64
        var piece: Piece
        var promise: EventLoopPromise<Void>
    }

    /// The loop's half.
    private final class Outbox {
        weak var channel: (any MailboxChannel)?
        var writers = CircularBuffer<Writer>()
        var isOver = false
        var failure: SSHError?
    }

    private let inbox = NIOLockedValueBox(Inbox())
    private let outbox: NIOLoopBoundBox<Outbox>
    private let eventLoop: any EventLoop
    private let tickets = NIOLockedValueBox<UInt64>(0)
    /// Window is given back in pieces of this size, so that a reader does not hop to the loop for each packet.
    private static let giveBack = 64 * 1024

    init(on eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
        outbox = NIOLoopBoundBox.makeBoxSendingValue(Outbox(), eventLoop: eventLoop)
    }

    // MARK: The loop's side

    func connect(_ channel: any MailboxChannel) { outbox.value.channel = channel }

    func push(_ data: ByteBuffer, _ stream: SSHDataStream = .standardOutput) {
        let piece = Piece(data: data, stream: stream)
        let reader = inbox.withLockedValue { inbox -> CheckedContinuation<Result<Piece?, SSHError>, Never>? in
            guard let reader = inbox.readers.popFirst() else {
                inbox.pieces.append(piece)
                return nil
            }
            return reader.continuation
        }
        guard let reader else { return }
        // A reader that waits has read everything else.
        outbox.value.channel?.mailboxConsumed(data.readableBytes + takeTaken())
        reader.resume(returning: .success(piece))
    }

    func end(_ failure: SSHError? = nil) {
        let readers = inbox.withLockedValue { inbox in
            defer { inbox.readers.removeAll() }
            inbox.isEnded = true
            inbox.failure = inbox.failure ?? failure
            return inbox.readers
        }
        for reader in readers { reader.continuation.resume(returning: failure.map { .failure($0) } ?? .success(nil)) }
    }

    func close(_ error: SSHError?) {
        end(error)
        let outbox = outbox.value
        outbox.isOver = true
        outbox.failure = error
        let writers = outbox.writers
        outbox.writers.removeAll()
        for writer in writers { writer.promise.fail(error ?? .channelClosed) }
        outbox.channel = nil
    }

    func writabilityChanged(_ isWritable: Bool) {
        if isWritable { serveWriters() }
    }

    private func serveWriters() {
        let outbox = outbox.value
        while let channel = outbox.channel, channel.mailboxIsWritable, let writer = outbox.writers.popFirst() {
            if channel.mailboxWrite(writer.piece.data, writer.piece.stream) {
                writer.promise.succeed()
            } else {
                writer.promise.fail(outbox.failure ?? .channelClosed)
            }
        }
        // A channel that takes nothing more will never become writable again.
        guard outbox.channel?.mailboxTakesInput != true else { return }
        let writers = outbox.writers
        outbox.writers.removeAll()
        for writer in writers { writer.promise.fail(outbox.failure ?? .channelClosed) }
    }

    // MARK: The tasks' side

    private func takeTaken() -> Int {
        inbox.withLockedValue { inbox in
            defer { inbox.taken = 0 }
            return inbox.taken
        }
    }

    /// The next piece; nil at the end.
    func next() async throws(SSHError) -> Piece? {
        enum Step {
            case done(Result<Piece?, SSHError>, giveBack: Int)
            case wait(UInt64)
        }
        let step = inbox.withLockedValue { inbox -> Step in
            if let piece = inbox.pieces.popFirst() {
                inbox.taken += piece.data.readableBytes
                guard inbox.taken >= Self.giveBack || inbox.pieces.isEmpty else {
                    return .done(.success(piece), giveBack: 0)
                }
                defer { inbox.taken = 0 }
                return .done(.success(piece), giveBack: inbox.taken)
            }
            if inbox.isEnded { return .done(inbox.failure.map { .failure($0) } ?? .success(nil), giveBack: 0) }
            inbox.tickets += 1
            return .wait(inbox.tickets)
        }
        switch step {
        case .done(let result, let bytes):
            if bytes > 0 { eventLoop.execute { self.outbox.value.channel?.mailboxConsumed(bytes) } }
            return try result.get()
        case .wait(let ticket):
            return try await wait(ticket).get()
        }
    }

    private func wait(_ ticket: UInt64) async -> Result<Piece?, SSHError> {
        defer { _ = inbox.withLockedValue { $0.cancelled.remove(ticket) } }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let now = inbox.withLockedValue { inbox -> Result<Piece?, SSHError>? in
                    if inbox.cancelled.remove(ticket) != nil { return .failure(.gaveUp) }
                    // Something may have come since the first look.
                    if let piece = inbox.pieces.popFirst() {
                        inbox.taken += piece.data.readableBytes
                        return .success(piece)
                    }
                    if inbox.isEnded { return inbox.failure.map { .failure($0) } ?? .success(nil) }
                    inbox.readers.append((ticket, continuation))
                    return nil
                }
                guard let now else { return }
                eventLoop.execute { self.outbox.value.channel?.mailboxConsumed(self.takeTaken()) }
                continuation.resume(returning: now)
            }
        } onCancel: {
            let reader = inbox.withLockedValue { inbox -> CheckedContinuation<Result<Piece?, SSHError>, Never>? in
                guard let index = inbox.readers.firstIndex(where: { $0.ticket == ticket }) else {
                    inbox.cancelled.insert(ticket)
                    return nil
                }
                return inbox.readers.remove(at: index).continuation
            }
            reader?.resume(returning: .failure(.gaveUp))
        }
    }

    /// Waits until the bytes are queued in the channel, which they are when it has room.
    func write(_ data: ByteBuffer, _ stream: SSHDataStream = .standardOutput) async throws(SSHError) {
        var rest = data
        // In pieces, so that no write is larger than what the queue takes at once.
        while rest.readableBytes > 0, let piece = rest.readSlice(length: min(rest.readableBytes, 256 * 1024)) {
            try await writePiece(Piece(data: piece, stream: stream))
        }
    }

    private func writePiece(_ piece: Piece) async throws(SSHError) {
        let ticket = tickets.withLockedValue { tickets in
            tickets += 1
            return tickets
        }
        let promise = eventLoop.makePromise(of: Void.self)
        do {
            try await withTaskCancellationHandler {
                try Task.checkCancellation()
                eventLoop.execute { self.enqueue(Writer(ticket: ticket, piece: piece, promise: promise)) }
                try await promise.futureResult.get()
            } onCancel: {
                eventLoop.execute { self.giveUp(ticket) }
            }
        } catch is CancellationError {
            promise.fail(SSHError.gaveUp)
            throw .gaveUp
        } catch {
            throw SSHError(any: error)
        }
    }

    private func enqueue(_ writer: Writer) {
        let outbox = outbox.value
        guard !outbox.isOver else { return writer.promise.fail(outbox.failure ?? .channelClosed) }
        outbox.writers.append(writer)
        serveWriters()
    }

    private func giveUp(_ ticket: UInt64) {
        let outbox = outbox.value
        guard let index = outbox.writers.firstIndex(where: { $0.ticket == ticket }) else { return }
        outbox.writers.remove(at: index).promise.fail(SSHError.gaveUp)
    }
}
