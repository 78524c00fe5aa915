// The client's end of the protocol: requests out, each answer to whoever asked.

import NIOCore
import SSHProtocol

/// One SFTP session over one stream of bytes. Loop-bound.
///
/// Small requests of one turn of the loop leave together. When the stream is full, everything waits here in its order.
final class ClientCore {
    typealias Reply = (Result<SFTPResponse, SFTPError>) -> Void

    private enum Stage {
        case greeting
        case open
        case over(SFTPError)
    }

    private struct Waiting {
        var reply: Reply
        /// Whoever asked has gone: a handle that still comes is closed.
        var isAbandoned = false
    }

    let channel: any SFTPByteChannel
    var eventLoop: any EventLoop { channel.eventLoop }
    /// Succeeds when the server has greeted.
    let greeted: EventLoopPromise<Void>
    /// Extensions that the server announced, with their versions.
    private(set) var extensions: [String: String] = [:]
    /// What the server takes at once; what version 3 promises until it says more.
    private(set) var limits = ServerLimits(packet: 0, read: 0, write: 0, handles: 0)
    /// Shared by all transfers of this session.
    var flight = FlightControl()

    private var stage = Stage.greeting
    private var stream = PacketStream()
    private var waiting: [UInt32: Waiting] = [:]
    private var lastID: UInt32 = 0
    private var requests = ByteBuffer()
    private var isFlushScheduled = false
    private var outbox = CircularBuffer<ByteBuffer>()
    private var outboxWaiters = CircularBuffer<() -> Void>()
    private var hasReceived = false

    init(_ channel: any SFTPByteChannel) {
        self.channel = channel
        greeted = channel.eventLoop.makePromise(of: Void.self)
    }

    /// A server that runs greets at once.
    private static let greetingTime = TimeAmount.seconds(30)

    /// Sends INIT. May be called before the other end listens.
    func start() {
        var packet = ByteBuffer()
        packet.writePacket(.initialise) { $0.writeInteger(SFTPLimits.version) }
        transmit(packet)
        let deadline = eventLoop.assumeIsolated().scheduleTask(in: Self.greetingTime) {
            self.fail(.protocolError("The server did not greet within 30 seconds."))
        }
        greeted.futureResult.whenComplete { _ in deadline.cancel() }
    }

    // MARK: Memory

    /// Whether the data of the answer that is being dealt with lies in memory that may be given back.
    var isLatestReusable: Bool { stream.isJoined }

    /// Takes back memory of an answer's data.
    func reuse(_ memory: ByteBuffer) { stream.reuse(memory) }

    /// A transfer has ended: what was kept for its answers goes.
    func shrink() { stream.shrink() }

    // MARK: Requests

    var isOver: Bool { if case .over = stage { true } else { false } }

    /// Requests that wait for their answers.
    var waitingCount: Int { waiting.count }

    /// Whether the stream takes data now. Whoever sends much asks first.
    var isWritable: Bool { outbox.isEmpty && channel.isWritable && !isOver }

    /// Calls once the stream takes data again.
    func whenWritable(_ body: @escaping () -> Void) { outboxWaiters.append(body) }

    /// Sends a request; `reply` is called exactly once, on the loop.
    ///
    /// - Returns: Its number, for `abandon`.
    @discardableResult
    func send(_ request: SFTPRequest, reply: @escaping Reply) -> UInt32? {
        if case .over(let error) = stage {
            reply(.failure(error))
            return nil
        }
        repeat { lastID &+= 1 } while waiting[lastID] != nil
        waiting[lastID] = Waiting(reply: reply)
        request.write(id: lastID, to: &requests)
        if case .write(_, _, let data) = request {
            flushRequests()
            transmit(data)
        } else {
            scheduleFlush()
        }
        return lastID
    }

    /// `send` for a request whose answer is only a status.
    func sendExpectingStatus(_ request: SFTPRequest, _ path: RemotePath?, _ done: @escaping (SFTPError?) -> Void) {
        send(request) { result in
            switch result {
            case .success(.status(let status)): done(status.code == .ok ? nil : .status(status, path))
            case .success: done(.unexpected(path))
            case .failure(let error): done(error)
            }
        }
    }

    /// Lets a handle go without waiting for the answer.
    func close(_ handle: SFTPHandle) { send(.close(handle)) { _ in } }

    /// Whoever sent it does not wait any longer. When the answer brings a handle, it is closed.
    func abandon(_ id: UInt32) {
        guard let entry = waiting[id], !entry.isAbandoned else { return }
        waiting[id] = Waiting(reply: { _ in }, isAbandoned: true)
        entry.reply(.failure(.cancelled))
    }

    private func scheduleFlush() {
        guard !isFlushScheduled else { return }
        isFlushScheduled = true
        eventLoop.assumeIsolated().execute {
            self.isFlushScheduled = false
            self.flushRequests()
        }
    }

    private func flushRequests() {
        guard requests.readableBytes > 0 else { return }
        var packet = ByteBuffer()
        swap(&packet, &requests)
        transmit(packet)
    }

    private func transmit(_ data: ByteBuffer) {
        if case .over = stage { return }
        if outbox.isEmpty && channel.isWritable && channel.write(data) { return }
        outbox.append(data)
    }

    // MARK: What the stream tells

    func writabilityChanged() {
        while channel.isWritable, let next = outbox.first {
            guard channel.write(next) else { break }
            outbox.removeFirst()
        }
        var count = outboxWaiters.count
        while count > 0, isWritable, let waiter = outboxWaiters.popFirst() {
            waiter()
            count -= 1
        }
    }

    func received(_ data: ByteBuffer) {
        defer { channel.consumed(data.readableBytes) }
        if case .over = stage { return }
        if !hasReceived {
            hasReceived = true
            // A length whose first byte is a letter is no length: 16 MiB and more.
            if let first = data.readableBytesView.first, first >= 0x09 {
                return fail(.strayOutput(String(buffer: data)))
            }
        }
        stream.append(data)
        do throws(SFTPStatus) {
            while !isOver, let packet = try stream.next() { try accept(packet.type, packet.body) }
        } catch {
            fail(.protocolError("\(error.message)."))
        }
    }

    /// The stream is over, with why; nil after an orderly end.
    func closed(_ error: SFTPError?) { end(error ?? .connectionLost) }

    /// Ends the session from this side.
    func close() {
        guard !isOver else { return }
        flushRequests()
        end(.closed)
        channel.close()
    }

    private func fail(_ error: SFTPError) {
        end(error)
        channel.close()
    }

    private func end(_ error: SFTPError) {
        guard !isOver else { return }
        stage = .over(error)
        greeted.fail(error)
        outbox.removeAll()
        requests.clear()
        let replies = waiting.sorted { $0.key < $1.key }.map(\.value.reply)
        waiting = [:]
        for reply in replies { reply(.failure(error)) }
        while let waiter = outboxWaiters.popFirst() { waiter() }
    }

    private func accept(_ type: UInt8, _ body: ByteBuffer) throws(SFTPStatus) {
        var reader = SFTPReader(body)
        if case .greeting = stage { return try greet(type, &reader) }
        let id = try reader.uint32()
        guard let entry = waiting.removeValue(forKey: id) else {
            throw SFTPStatus(.badMessage, "The server answered a request that was not made")
        }
        let response = try readResponse(type, &reader, for: entry)
        if entry.isAbandoned, case .handle(let handle) = response { close(handle) }
        entry.reply(.success(response))
    }

    /// A damaged answer ends the session, and whoever asked learns it too.
    private func readResponse(
        _ type: UInt8, _ reader: inout SFTPReader, for entry: Waiting
    ) throws(SFTPStatus) -> SFTPResponse {
        do throws(SFTPStatus) { return try SFTPResponse(type: type, &reader) } catch {
            entry.reply(.failure(.protocolError("\(error.message).")))
            throw error
        }
    }

    private func greet(_ type: UInt8, _ reader: inout SFTPReader) throws(SFTPStatus) {
        guard type == MessageType.version.rawValue else {
            throw SFTPStatus(.badMessage, "The server does not begin with its version")
        }
        let version = try reader.uint32()
        guard version == SFTPLimits.version else {
            throw SFTPStatus(.badMessage, "The server speaks version \(version) where 3 was asked for")
        }
        while reader.remaining > 0, extensions.count < 64 { extensions[try reader.text()] = try reader.text() }
        stage = .open
        greeted.succeed()
        // Nobody waits for it: until the answer is there, what every server takes is used.
        guard has(.limits) else { return }
        send(.limits) { result in
            guard case .success(.extended(let data)) = result else { return }
            var reader = SFTPReader(data)
            if let limits = try? ServerLimits(&reader) { self.limits = limits }
        }
    }

    func has(_ name: SFTPExtension) -> Bool { extensions[name.rawValue] != nil }

    // MARK: Sizes

    /// Bytes for the next READ.
    var readSize: Int { flight.chunk(upTo: largest(limits.read)) }

    /// Bytes for the next WRITE.
    var writeSize: Int { flight.chunk(upTo: largest(limits.write)) }

    /// Handles that one transfer may hold, leaving some to others.
    var handleAllowance: Int { limits.handles == 0 ? 64 : Int(max(1, min(64, limits.handles / 2))) }

    /// Bytes went over the link: their room is free at once, or when the pace allows it.
    func passed(_ bytes: Int) {
        guard let due = flight.pause(for: bytes, now: .now()) else {
            for waiter in flight.release(bytes) { waiter() }
            return
        }
        eventLoop.assumeIsolated().scheduleTask(deadline: due) {
            for waiter in self.flight.release(bytes) { waiter() }
        }
    }

    private func largest(_ limit: UInt64) -> Int {
        limit == 0 ? SFTPLimits.safeData : Int(min(max(limit, 512), UInt64(SFTPLimits.maximumData)))
    }
}
