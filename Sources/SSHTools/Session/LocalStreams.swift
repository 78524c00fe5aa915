// The descriptors of a session at this end, on the event loop of its connection: read only when asked, written with a
// word about when the bytes are gone. Nothing of ours changes how a shell's other programs see the same descriptor.

import CLocalCalls
import NIOCore
import NIOPosix

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// How a descriptor can be waited for.
enum DescriptorKind {
    /// Always ready: a file, /dev/null. The system's event queue does not take it.
    case file
    /// A pipe, a terminal, a socket.
    case waitable

    init(_ descriptor: Int32) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            self = .file
            return
        }
        switch status.st_mode & S_IFMT {
        case S_IFIFO, S_IFSOCK: self = .waitable
        case S_IFCHR: self = isatty(descriptor) == 1 ? .waitable : .file
        default: self = .file
        }
    }
}

enum OwnDescriptor {
    /// Another open file of the same thing: it can be made non-blocking without anybody else's becoming so. Where the
    /// system refuses (a socket, another user's terminal) it is a duplicate, whose mode comes back at the process's end;
    /// that of a received descriptor is for `ReceivedDescriptors` to bring back.
    static func reopen(_ descriptor: Int32, forWriting: Bool, isReceived: Bool) -> Int32 {
        #if os(Linux)
        let mode = forWriting ? O_WRONLY : O_RDONLY
        let own = open("/proc/self/fd/\(descriptor)", mode | O_NOCTTY | O_CLOEXEC | O_NONBLOCK)
        if own >= 0 { return own }
        #endif
        if !isReceived { terminal_guard_keep_flags(descriptor) }
        return fcntl(descriptor, F_DUPFD_CLOEXEC, 3)
    }
}

/// Descriptors that another process of this user handed over, for as long as they are of use.
package struct ReceivedDescriptors: Sendable {
    package let descriptors: [Int32]
    /// As that process has them: a descriptor that could not be opened anew is made non-blocking here.
    private let flags: [Int32]

    package init(_ descriptors: [Int32]) {
        self.descriptors = descriptors
        flags = descriptors.map { fcntl($0, F_GETFL) }
    }

    /// Lets this process have as many descriptors as the system allows it: each session of another process takes five.
    package static func allowMany() { descriptors_allow_many() }

    /// Once.
    package func close() {
        for (descriptor, flags) in zip(descriptors, flags) {
            if flags >= 0, fcntl(descriptor, F_GETFL) != flags { _ = fcntl(descriptor, F_SETFL, flags) }
            closeDescriptor(descriptor)
        }
    }
}

private func closeDescriptor(_ descriptor: Int32) { close(descriptor) }

/// Where a session's input comes from. Loop-bound.
protocol LocalInput: AnyObject {
    /// Asks for one more piece, which comes later.
    func read()
    func close()
}

/// Where a session's output goes. Loop-bound.
protocol LocalOutput: AnyObject {
    /// - Parameter done: Told once the bytes are gone, or with false when nobody takes them any more.
    func write(_ bytes: ByteBuffer, done: @escaping (Bool) -> Void)
    /// Why the system took no more of it, where that is a loss; 0 as long as it is none.
    var fault: Int32 { get }
    /// Completes when everything that was written is gone.
    func close(_ done: @escaping () -> Void)
    /// Drops what is not gone yet.
    func abandon()
}

extension LocalOutput {
    var fault: Int32 { 0 }
}

/// What a session's input tells it.
struct InputEvents {
    var received: (ByteBuffer) -> Void
    var ended: () -> Void
}

enum LocalStreams {
    /// On the loop.
    static func input(
        _ descriptor: Int32, on eventLoop: any EventLoop, isReceived: Bool = false, _ events: InputEvents
    ) -> EventLoopFuture<any LocalInput>.Isolated {
        guard DescriptorKind(descriptor) == .waitable else {
            let input: any LocalInput = FileInput(descriptor, eventLoop, events)
            return eventLoop.makeSucceededIsolated(input)
        }
        let input = NIOLoopBound(PipeInput(events), eventLoop: eventLoop)
        return NIOPipeBootstrap(group: eventLoop)
            .channelOption(.autoRead, value: false)
            .channelOption(
                .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 1024, initial: 4096, maximum: 262_144)
            )
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(input.value) }
            }
            .takingOwnershipOfDescriptor(
                input: OwnDescriptor.reopen(descriptor, forWriting: false, isReceived: isReceived)
            )
            .assumeIsolated().map { _ in input.value as any LocalInput }
    }

    /// On the loop.
    static func output(
        _ descriptor: Int32, on eventLoop: any EventLoop, isReceived: Bool = false
    ) -> EventLoopFuture<any LocalOutput>.Isolated {
        guard DescriptorKind(descriptor) == .waitable else {
            let output: any LocalOutput = DescriptorOutput(descriptor)
            return eventLoop.makeSucceededIsolated(output)
        }
        let own = OwnDescriptor.reopen(descriptor, forWriting: true, isReceived: isReceived)
        guard own >= 0 else {
            let output: any LocalOutput = DescriptorOutput(-1)
            return eventLoop.makeSucceededIsolated(output)
        }
        #if os(Linux)
        // A pipe of 64 KiB is emptied every two packets; its reader and we wake each other less often with more.
        pipe_enlarge(own, 1 << 20)
        #endif
        return NIOPipeBootstrap(group: eventLoop)
            .takingOwnershipOfDescriptor(output: own)
            .assumeIsolated().map { PipeOutput($0) as any LocalOutput }
    }
}

extension EventLoop {
    fileprivate func makeSucceededIsolated<Value>(_ value: Value) -> EventLoopFuture<Value>.Isolated {
        let promise = makePromise(of: Value.self)
        let isolated = promise.assumeIsolated()
        isolated.succeed(value)
        return isolated.futureResult
    }
}

/// A pipe, a terminal or a socket. Loop-bound.
private final class PipeInput: LocalInput, ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let events: InputEvents
    private var context: ChannelHandlerContext?
    private var hasEnded = false

    init(_ events: InputEvents) { self.events = events }

    func read() { context?.read() }

    func close() {
        hasEnded = true
        context?.close(promise: nil)
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        end()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if !hasEnded { events.received(unwrapInboundIn(data)) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed? = event as? ChannelEvent { end() }
    }

    func channelInactive(context: ChannelHandlerContext) { end() }

    /// A terminal whose other end went away fails to be read: that is its end.
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func end() {
        guard !hasEnded else { return }
        hasEnded = true
        events.ended()
    }
}

/// Loop-bound.
private final class PipeOutput: LocalOutput {
    private let channel: any Channel
    private var unwritten = 0
    private var closing: (() -> Void)?
    private var isBroken = false

    init(_ channel: any Channel) { self.channel = channel }

    func write(_ bytes: ByteBuffer, done: @escaping (Bool) -> Void) {
        guard !isBroken else { return done(false) }
        unwritten += 1
        channel.writeAndFlush(bytes).assumeIsolated().whenComplete { result in
            self.unwritten -= 1
            switch result {
            case .success: done(true)
            case .failure:
                self.isBroken = true
                done(false)
            }
            if self.unwritten == 0, let closing = self.closing { self.end(closing) }
        }
    }

    func close(_ done: @escaping () -> Void) {
        guard unwritten == 0 else {
            closing = done
            return
        }
        end(done)
    }

    func abandon() {
        isBroken = true
        channel.close(promise: nil)
    }

    private func end(_ done: @escaping () -> Void) {
        closing = nil
        channel.close().assumeIsolated().whenComplete { _ in done() }
    }
}

/// A file is read where it stands, a piece at a time: it never waits for anybody. Loop-bound.
private final class FileInput: LocalInput {
    private let descriptor: Int32
    private let eventLoop: any EventLoop
    private let events: InputEvents
    private var isReading = false
    private var hasEnded = false
    private static let pieceSize = 128 * 1024

    init(_ descriptor: Int32, _ eventLoop: any EventLoop, _ events: InputEvents) {
        self.descriptor = descriptor
        self.eventLoop = eventLoop
        self.events = events
    }

    func read() {
        guard !isReading, !hasEnded else { return }
        isReading = true
        // Not at once: who reads piece by piece would never come back to its loop.
        eventLoop.assumeIsolated().execute { self.readPiece() }
    }

    private func readPiece() {
        isReading = false
        guard !hasEnded else { return }
        var bytes = ByteBufferAllocator().buffer(capacity: Self.pieceSize)
        let count = bytes.writeWithUnsafeMutableBytes(minimumWritableBytes: Self.pieceSize) { room in
            var count = 0
            repeat { count = systemRead(descriptor, room.baseAddress, room.count) } while count < 0 && errno == EINTR
            return max(count, 0)
        }
        guard count > 0 else {
            hasEnded = true
            return events.ended()
        }
        events.received(bytes)
    }

    func close() { hasEnded = true }
}

/// A file takes what it is given. Loop-bound.
private final class DescriptorOutput: LocalOutput {
    private let descriptor: Int32
    private(set) var fault: Int32 = 0

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    func write(_ bytes: ByteBuffer, done: @escaping (Bool) -> Void) {
        done(
            bytes.withUnsafeReadableBytes { buffer in
                var written = 0
                while written < buffer.count {
                    let count = systemWrite(
                        descriptor, buffer.baseAddress.map { $0 + written }, buffer.count - written)
                    if count < 0, errno == EINTR { continue }
                    guard count > 0 else {
                        if PersonTerminal.isLoss(errno) { fault = errno }
                        return false
                    }
                    written += count
                }
                return true
            })
    }

    func close(_ done: @escaping () -> Void) { done() }

    func abandon() {}
}

private func systemRead(_ descriptor: Int32, _ base: UnsafeMutableRawPointer?, _ count: Int) -> Int {
    read(descriptor, base, count)
}

private func systemWrite(_ descriptor: Int32, _ base: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, base, count)
}
