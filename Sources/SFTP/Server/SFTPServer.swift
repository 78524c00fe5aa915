// The server core: draft-ietf-secsh-filexfer-02 with OpenSSH's extensions.
//
// Packets that arrive while the thread pool works wait and are then done together: one hop, ordered replies, one write.
// Memory is bounded by the channel's window on the way in and by one batch of replies on the way out; a client that does
// not read its replies is not served further.

public import NIOCore
import NIOPosix

/// Serves one client over one stream of bytes. Loop-bound: create and call it on the channel's event loop.
///
/// ```swift
/// let server = SFTPServer(channel: channel, fileSystem: try RootedFileSystem(root: "/srv/share"))
/// // then, as the stream brings them: server.received(bytes), server.inputEnded(), server.closed()
/// ```
public final class SFTPServer {
    /// Requests in one batch, so that a flood of small ones does not hold the thread for long.
    private static let batchRequests = 256

    private let channel: any SFTPByteChannel
    private let runner: RequestRunner
    private var stream = PacketStream()
    private var queue = CircularBuffer<PendingRequest>()
    private var isInitialised = false
    private var isBusy = false
    private var isPumpScheduled = false
    private var hasInputEnded = false
    private var isOver = false

    public init(
        channel: any SFTPByteChannel, fileSystem: any SFTPFileSystem,
        configuration: SFTPServerConfiguration = SFTPServerConfiguration()
    ) {
        self.channel = channel
        runner = RequestRunner(fileSystem, configuration)
    }

    // MARK: What the stream tells

    /// Bytes from the client. Their window is given back when what they ask for is done.
    public func received(_ data: ByteBuffer) {
        guard !isOver else { return channel.consumed(data.readableBytes) }
        stream.append(data)
        do throws(SFTPStatus) {
            while let packet = try stream.next() { try accept(packet.type, packet.body) }
        } catch {
            // After a packet that cannot be cut out or answered, nothing that follows means anything.
            return end()
        }
        pumpSoon()
    }

    /// What comes in one turn of the loop is one batch: a change of threads costs more than most requests.
    private func pumpSoon() {
        guard !isBusy, !isPumpScheduled else { return }
        isPumpScheduled = true
        channel.eventLoop.assumeIsolated().execute {
            self.isPumpScheduled = false
            self.pump()
        }
    }

    /// The client sends nothing more: what it asked for is done, then the channel is closed.
    public func inputEnded() {
        hasInputEnded = true
        // What came just before it has its turn first.
        if !isPumpScheduled { endIfDone() }
    }

    /// The channel takes bytes again.
    public func writabilityChanged() { pump() }

    /// The channel is over: everything is closed.
    public func closed() {
        guard !isOver else { return }
        isOver = true
        queue.removeAll()
        let runner = runner
        runner.cancel()
        // Closing files may block.
        runner.configuration.threadPool.submit { _ in runner.finish() }
    }

    // MARK: Requests

    private func accept(_ type: UInt8, _ body: ByteBuffer) throws(SFTPStatus) {
        let wireBytes = body.readableBytes + 5
        var reader = SFTPReader(body)
        guard isInitialised else {
            guard type == MessageType.initialise.rawValue, try reader.uint32() >= SFTPLimits.version else {
                throw SFTPStatus(.badMessage, "The client does not begin with INIT of version 3")
            }
            isInitialised = true
            channel.consumed(wireBytes)
            return greet()
        }
        guard type != MessageType.initialise.rawValue else { throw SFTPStatus(.badMessage, "INIT came twice") }
        // Without an id there is nothing to answer to.
        let id = try reader.uint32()
        queue.append(
            PendingRequest(
                id: id, request: Self.request(type, &reader), wireBytes: wireBytes,
                memory: stream.isJoined ? body : nil))
    }

    private static func request(_ type: UInt8, _ reader: inout SFTPReader) -> Result<SFTPRequest, SFTPStatus> {
        guard let type = MessageType(rawValue: type) else { return .failure(.unsupported) }
        do throws(SFTPStatus) { return .success(try SFTPRequest(type, &reader)) } catch { return .failure(error) }
    }

    private func greet() {
        var reply = ByteBuffer()
        reply.writePacket(.version) { buffer in
            buffer.writeInteger(SFTPLimits.version)
            for known in SFTPExtension.allCases
            where !(runner.configuration.isReadOnly && known.changes) {
                buffer.writeString(of: known.rawValue)
                buffer.writeString(of: known.version)
            }
        }
        channel.write(reply)
    }

    /// Begins the next batch when the last one is done and the client reads its replies.
    private func pump() {
        guard !isBusy, !isOver, !queue.isEmpty, channel.isWritable else { return endIfDone() }
        isBusy = true
        let batch = takeBatch()
        if let authorize = runner.configuration.authorize {
            decide(batch, authorize)
        } else {
            run(batch)
        }
    }

    private func takeBatch() -> [PendingRequest] {
        var batch: [PendingRequest] = []
        var room = runner.configuration.maximumReplyBytes
        while batch.count < Self.batchRequests, let next = queue.first, batch.isEmpty || next.expectedReply <= room {
            room -= next.expectedReply
            batch.append(queue.removeFirst())
        }
        return batch
    }

    private func decide(_ batch: [PendingRequest], _ authorize: @escaping @Sendable (SFTPOperation) async -> Bool) {
        let operations = batch.map { pending -> SFTPOperation? in
            guard case .success(let request) = pending.request else { return nil }
            return try? runner.operation(of: request)
        }
        guard operations.contains(where: { $0 != nil }) else { return run(batch) }
        let bound = NIOLoopBound(self, eventLoop: channel.eventLoop)
        let eventLoop = channel.eventLoop
        Task {
            var batch = batch
            for index in batch.indices {
                if let operation = operations[index] { batch[index].isRefused = !(await authorize(operation)) }
            }
            let decided = batch
            eventLoop.execute { bound.value.run(decided) }
        }
    }

    private func run(_ batch: [PendingRequest]) {
        guard !isOver else { return }
        let runner = runner
        runner.configuration.threadPool.runIfActive(eventLoop: channel.eventLoop) { runner.run(batch) }
            .assumeIsolated()
            .whenComplete { outcome in self.finish(outcome, batch) }
    }

    private func finish(_ outcome: Result<ByteBuffer, any Error>, _ batch: [PendingRequest]) {
        isBusy = false
        guard !isOver else { return }
        // The pool is shutting down: there will be no answer.
        guard case .success(let replies) = outcome else { return end() }
        channel.consumed(batch.reduce(0) { $0 + $1.wireBytes })
        for pending in batch {
            if let memory = pending.memory { stream.reuse(memory) }
            // As a rule a transfer has come to its end.
            if case .success(.close) = pending.request { stream.shrink() }
        }
        if replies.readableBytes > 0, !channel.write(replies) { return end() }
        pump()
    }

    private func endIfDone() {
        if hasInputEnded, !isBusy, queue.isEmpty, !isOver { end() }
    }

    private func end() {
        closed()
        channel.close()
    }
}
