import NIOConcurrencyHelpers
import NIOCore
import SSHTestSupport
import TestSupport

@testable import SFTP

/// One end of a stream between a client and a server on one event loop. Delivery is always in a later turn, and an end
/// that does not consume stops the other one.
final class MemoryPipe: SFTPByteChannel {
    static let window = 1 << 20

    let eventLoop: any EventLoop
    var onData: (ByteBuffer) -> Void = { _ in }
    var onWritable: () -> Void = {}
    var onClose: () -> Void = {}
    private(set) var isClosed = false
    private weak var peer: MemoryPipe?
    private var unconsumed = 0

    init(_ eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    static func pair(on eventLoop: any EventLoop) -> (MemoryPipe, MemoryPipe) {
        let (first, second) = (MemoryPipe(eventLoop), MemoryPipe(eventLoop))
        (first.peer, second.peer) = (second, first)
        return (first, second)
    }

    var isWritable: Bool { !isClosed && unconsumed < Self.window }

    @discardableResult
    func write(_ data: ByteBuffer) -> Bool {
        guard !isClosed, let peer else { return false }
        unconsumed += data.readableBytes
        eventLoop.assumeIsolated().execute { peer.onData(data) }
        return true
    }

    func consumed(_ bytes: Int) {
        guard let peer else { return }
        let wasWritable = peer.isWritable
        peer.unconsumed -= bytes
        if !wasWritable, peer.isWritable { eventLoop.assumeIsolated().execute { peer.onWritable() } }
    }

    func close() {
        guard !isClosed else { return }
        isClosed = true
        eventLoop.assumeIsolated().execute {
            self.onClose()
            guard let peer = self.peer, !peer.isClosed else { return }
            peer.isClosed = true
            peer.onClose()
        }
    }
}

/// A client of ours connected to a server of ours without a network. The caller keeps it as long as it is used.
struct Pair {
    let client: SFTPClient
    let server: NIOLoopBound<SFTPServer>

    init(
        _ fileSystem: any SFTPFileSystem, _ configuration: SFTPServerConfiguration = SFTPServerConfiguration()
    ) async throws {
        let eventLoop = anyLoop()
        let parts = try await eventLoop.flatSubmit {
            let (near, far) = MemoryPipe.pair(on: eventLoop)
            let server = SFTPServer(channel: far, fileSystem: fileSystem, configuration: configuration)
            far.onData = { server.received($0) }
            far.onWritable = { server.writabilityChanged() }
            far.onClose = { server.closed() }
            let core = ClientCore(near)
            near.onData = { core.received($0) }
            near.onWritable = { core.writabilityChanged() }
            near.onClose = { core.closed(nil) }
            let bound = NIOLoopBound(server, eventLoop: eventLoop)
            return SFTPClient.start(core).map { ($0, bound) }
        }.get()
        (client, server) = parts
    }
}

/// A server core that is fed raw bytes, and its raw answers.
final class RawClient: Sendable {
    typealias Packet = (type: UInt8, body: ByteBuffer)

    private let eventLoop = anyLoop()
    private let near: NIOLoopBound<MemoryPipe>
    private let packets: AsyncStream<Packet>
    private let closed = NIOLockedValueBox(false)

    init(_ fileSystem: any SFTPFileSystem, _ configuration: SFTPServerConfiguration = .init()) async throws {
        let (eventLoop, closed) = (eventLoop, closed)
        let (packets, arrived) = AsyncStream<Packet>.makeStream()
        self.packets = packets
        near = try await eventLoop.submit {
            let (near, far) = MemoryPipe.pair(on: eventLoop)
            let server = SFTPServer(channel: far, fileSystem: fileSystem, configuration: configuration)
            far.onData = { server.received($0) }
            far.onWritable = { server.writabilityChanged() }
            far.onClose = { server.closed() }
            var stream = PacketStream()
            near.onData = { data in
                near.consumed(data.readableBytes)
                stream.append(data)
                while let packet = try? stream.next() { arrived.yield(packet) }
            }
            near.onClose = {
                closed.withLockedValue { $0 = true }
                arrived.finish()
            }
            // The far end lives as long as the near one.
            near.onWritable = { _ = far }
            return NIOLoopBound(near, eventLoop: eventLoop)
        }.get()
    }

    var isClosed: Bool { closed.withLockedValue { $0 } }

    func send(_ bytes: [UInt8]) {
        let near = near
        eventLoop.execute { near.value.write(ByteBuffer(bytes: bytes)) }
    }

    func send(_ request: SFTPRequest, id: UInt32) {
        var buffer = ByteBuffer()
        request.write(id: id, to: &buffer)
        if case .write(_, _, let data) = request { buffer.writeImmutableBuffer(data) }
        send(Array(buffer.readableBytesView))
    }

    func greet() async throws {
        send([0, 0, 0, 5, 1, 0, 0, 0, 3])
        _ = try await packet()
    }

    /// The next packet that the server sends.
    func packet() async throws -> Packet {
        for await packet in packets { return packet }
        throw ToolFailure(description: "the server closed the channel")
    }

    /// The next answer and whose it is.
    func answer() async throws -> (id: UInt32, response: SFTPResponse) {
        let packet = try await packet()
        var reader = SFTPReader(packet.body)
        let id = try reader.uint32()
        return (id, try SFTPResponse(type: packet.type, &reader))
    }

    /// The answer to one request.
    func ask(_ request: SFTPRequest, id: UInt32 = 7) async throws -> SFTPResponse {
        send(request, id: id)
        return try await answer().response
    }
}

extension SFTPResponse {
    var code: SFTPStatus.Code? {
        if case .status(let status) = self { return status.code }
        return nil
    }

    var handle: SFTPHandle? {
        if case .handle(let handle) = self { return handle }
        return nil
    }
}
