// Wires that are not sockets: a channel of another connection, and any stream of bytes that tasks read and write.

import NIOConcurrencyHelpers
public import NIOCore
import SSHProtocol

/// A stream of bytes that an SSH connection may run over.
public protocol SSHByteStream: Sendable {
    /// The next bytes, as many as came together; nil at the end.
    func read() async throws -> ByteBuffer?
    /// Returns when the bytes are taken. Called again only afterwards.
    func write(_ bytes: ByteBuffer) async throws
    /// Ends both directions; a `read` that waits returns.
    func close()
}

extension SSHChannelStream: SSHByteStream {}

/// A direct-tcpip channel of another connection as a wire, on that connection's loop. Loop-bound.
final class ChannelWire: Wire, SSHChannelDelegate {
    private let driver: ConnectionDriver
    private let ended: EventLoopPromise<Void>
    private var channel: SSHChannel?
    /// Received while the driver wanted nothing; its window is not given back before it does.
    private var held = CircularBuffer<ByteBuffer>()
    private var hasEnded = false
    /// The driver knows of the end: it looks for more input once again while it is told, and must not be told again.
    private var isOver = false

    init(_ driver: ConnectionDriver, ended: EventLoopPromise<Void>) {
        self.driver = driver
        self.ended = ended
    }

    func adopt(_ channel: SSHChannel) {
        self.channel = channel
        // What a person types through a jump host must not wait behind somebody's download.
        channel.setInteractive(true)
        driver.start(on: self)
    }

    // MARK: Wire

    /// A packet or two leave at once, as they would on a socket.
    func send(_ bytes: ByteBuffer) { channel?.write(bytes, isUrgent: bytes.readableBytes <= 1024) }

    var isWritable: Bool { channel?.isWritable ?? false }

    func resumeReading() {
        while driver.wantsInput, let bytes = held.popFirst() { deliver(bytes) }
        if hasEnded, held.isEmpty { end() }
    }

    func acknowledgeQuickly() {}

    func close() { channel?.close() }

    private func deliver(_ bytes: ByteBuffer) {
        driver.received(bytes)
        channel?.consumed(bytes.readableBytes)
        driver.readCompleted()
    }

    private func end() {
        guard !isOver else { return }
        isOver = true
        driver.wireEnded()
        channel?.close()
    }

    // MARK: SSHChannelDelegate

    func channel(_ channel: SSHChannel, received data: ByteBuffer) {
        if driver.wantsInput, held.isEmpty {
            deliver(data)
        } else {
            held.append(data)
        }
    }

    func channelEndOfFile(_ channel: SSHChannel) {
        hasEnded = true
        if held.isEmpty { end() }
    }

    func channel(_ channel: SSHChannel, writabilityChanged isWritable: Bool) { driver.writabilityChanged() }

    func channel(_ channel: SSHChannel, closed error: SSHError?) {
        self.channel = nil
        driver.wireEnded()
        ended.succeed()
    }
}

/// Any stream as a wire: a task reads, another one writes. Loop-bound.
final class StreamWire: Wire {
    private let driver: ConnectionDriver
    private let stream: any SSHByteStream
    private let eventLoop: any EventLoop
    private let output: AsyncStream<ByteBuffer>.Continuation
    private let pending: AsyncStream<ByteBuffer>
    /// Bytes given to the writing task and not written yet.
    private var outputBytes = 0
    private var wasWritable = true
    /// The reading task waits for it.
    private var resumption: CheckedContinuation<Void, Never>?
    private static let upperMark = 1 << 20
    private static let lowerMark = 256 * 1024

    init(_ driver: ConnectionDriver, _ stream: any SSHByteStream, on eventLoop: any EventLoop) {
        self.driver = driver
        self.stream = stream
        self.eventLoop = eventLoop
        (pending, output) = AsyncStream.makeStream(of: ByteBuffer.self)
    }

    /// Runs until both directions are over.
    func start(ended: EventLoopPromise<Void>) {
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        Self.run(stream, pending, bound, eventLoop, ended)
        driver.start(on: self)
    }

    private static func run(
        _ stream: any SSHByteStream, _ pending: AsyncStream<ByteBuffer>, _ bound: NIOLoopBound<StreamWire>,
        _ eventLoop: any EventLoop, _ ended: EventLoopPromise<Void>
    ) {
        let writing = Task { await write(pending, to: stream, bound, eventLoop) }
        Task {
            await read(stream, bound, eventLoop)
            await writing.value
            ended.succeed()
        }
    }

    private static func read(
        _ stream: any SSHByteStream, _ bound: NIOLoopBound<StreamWire>, _ eventLoop: any EventLoop
    ) async {
        while let bytes = try? await stream.read() {
            let hasRoom = try? await eventLoop.submit { bound.value.received(bytes) }.get()
            if hasRoom == false { await waitForRoom(bound, eventLoop) }
        }
        try? await eventLoop.submit { bound.value.streamEnded() }.get()
    }

    private static func write(
        _ pending: AsyncStream<ByteBuffer>, to stream: any SSHByteStream, _ bound: NIOLoopBound<StreamWire>,
        _ eventLoop: any EventLoop
    ) async {
        for await bytes in pending {
            guard (try? await stream.write(bytes)) != nil else { break }
            let count = bytes.readableBytes
            eventLoop.execute { bound.value.written(count) }
        }
        stream.close()
    }

    private static func waitForRoom(_ bound: NIOLoopBound<StreamWire>, _ eventLoop: any EventLoop) async {
        await withCheckedContinuation { continuation in
            eventLoop.execute {
                let wire = bound.value
                if wire.driver.wantsInput { continuation.resume() } else { wire.resumption = continuation }
            }
        }
    }

    private func received(_ bytes: ByteBuffer) -> Bool {
        driver.received(bytes)
        driver.readCompleted()
        return driver.wantsInput
    }

    private func written(_ count: Int) {
        outputBytes -= count
        if !wasWritable, outputBytes <= Self.lowerMark {
            wasWritable = true
            driver.writabilityChanged()
        }
    }

    private func streamEnded() {
        driver.wireEnded()
        output.finish()
    }

    // MARK: Wire

    func send(_ bytes: ByteBuffer) {
        outputBytes += bytes.readableBytes
        if outputBytes >= Self.upperMark { wasWritable = false }
        output.yield(bytes)
    }

    var isWritable: Bool { wasWritable }

    func resumeReading() {
        resumption?.resume()
        resumption = nil
    }

    func acknowledgeQuickly() {}

    func close() {
        output.finish()
        resumeReading()
    }
}

extension Handshake {
    /// Over a channel of another connection, on its loop.
    static func begin(
        through jump: SSHConnection, endpoint: SSHEndpoint, configuration: SSHClientConfiguration
    ) async throws(SSHError) -> Handshake {
        let (events, continuation) = AsyncStream.makeStream(of: HandshakeEvent.self)
        let eventLoop = jump.eventLoop
        let shared = ConnectionDriver.Shared(closed: eventLoop.makePromise(of: SSHError?.self))
        let ended = eventLoop.makePromise(of: Void.self)
        do throws(SSHError) {
            let (parts, channel) = try await jump.opening {
                jump, cancellation -> EventLoopFuture<(Parts, SSHChannel)> in
                let parts = Parts(configuration, shared: shared, events: continuation, on: jump.eventLoop)
                let wire = ChannelWire(parts.driver.value, ended: ended)
                return jump.makeChannel(.to(endpoint), delegate: wire, cancellation: cancellation).assumeIsolated()
                    .map { channel in
                        wire.adopt(channel)
                        return (parts, channel)
                    }.nonisolated()
            }
            let wire = WireHandle(
                eventLoop: eventLoop, close: { eventLoop.execute { channel.abort() } }, closed: ended.futureResult)
            return Handshake(
                wire: wire, driver: parts.driver, owner: parts.owner, shared: shared, endpoint: endpoint,
                address: jump.remoteAddress, configuration: configuration, events: events)
        } catch {
            // Without a wire nobody else completes them.
            shared.closed.succeed(nil)
            ended.succeed()
            throw error
        }
    }

    /// Over any stream of bytes.
    static func begin(
        over stream: any SSHByteStream, endpoint: SSHEndpoint, configuration: SSHClientConfiguration,
        on eventLoop: any EventLoop
    ) async throws(SSHError) -> Handshake {
        let (events, continuation) = AsyncStream.makeStream(of: HandshakeEvent.self)
        let shared = ConnectionDriver.Shared(closed: eventLoop.makePromise(of: SSHError?.self))
        let ended = eventLoop.makePromise(of: Void.self)
        do {
            // No address of its own: nothing was resolved.
            let address = try SocketAddress(ipAddress: "0.0.0.0", port: 0)
            let parts = try await eventLoop.submit {
                let parts = Parts(configuration, shared: shared, events: continuation, on: eventLoop)
                StreamWire(parts.driver.value, stream, on: eventLoop).start(ended: ended)
                return parts
            }.get()
            let wire = WireHandle(eventLoop: eventLoop, close: { stream.close() }, closed: ended.futureResult)
            return Handshake(
                wire: wire, driver: parts.driver, owner: parts.owner, shared: shared, endpoint: endpoint,
                address: address, configuration: configuration, events: events)
        } catch {
            shared.closed.succeed(nil)
            ended.succeed()
            throw SSHError(any: error)
        }
    }
}
