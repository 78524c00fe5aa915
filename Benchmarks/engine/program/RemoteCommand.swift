import Glibc
import NIOCore
import NIOPosix
import SSH

/// `engine-bench run … COMMAND`: what `ssh host COMMAND` does, with this process's standard streams.
enum RemoteCommand {
    static func run(_ arguments: Arguments, on eventLoop: any EventLoop) async throws -> Int32 {
        let client = try Client(arguments)
        let command = try arguments.word(0)
        let connection = try await client.connect(on: eventLoop)
        let readsInput = arguments.optional("input") != "none"
        let status = try await connection.eventLoop.flatSubmit {
            let streams = StandardStreams(on: connection.eventLoop)
            let bound = NIOLoopBound(streams, eventLoop: connection.eventLoop)
            connection.makeSession(delegate: streams).whenComplete { result in
                switch result {
                case .success(let channel): bound.value.start(command, on: channel, readsInput: readsInput)
                case .failure(let error): bound.value.fail(error)
                }
            }
            return streams.ended.futureResult
        }.get()
        await connection.close()
        return status
    }
}

/// Loop-bound.
final class StandardStreams: SessionChannelDelegate {
    let ended: EventLoopPromise<Int32>
    private let eventLoop: any EventLoop
    private var status: Int32 = 255
    private var input: StandardInput?

    init(on eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
        ended = eventLoop.makePromise()
    }

    func fail(_ error: any Error) { ended.fail(error) }

    func start(_ command: String, on channel: SSHSessionChannel, readsInput: Bool) {
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        channel.exec(command).whenFailure { bound.value.fail($0) }
        guard readsInput else { return channel.sendEOF() }
        enlargePipe(0)
        let handler = StandardInput(channel)
        input = handler
        let boundHandler = NIOLoopBound(handler, eventLoop: eventLoop)
        NIOPipeBootstrap(group: eventLoop)
            .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 262_144))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(boundHandler.value)
                }
            }
            .takingOwnershipOfDescriptor(input: dup(0))
            .whenFailure { bound.value.fail($0) }
    }

    func channel(_ channel: SSHSessionChannel, received data: ByteBuffer, stream: SSHDataStream) {
        // Blocks while nobody reads; there is nothing else to do then.
        data.withUnsafeReadableBytes { bytes in
            var rest = bytes
            while !rest.isEmpty {
                let count = write(stream == .standardOutput ? 1 : 2, rest.baseAddress, rest.count)
                guard count > 0 else { break }
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            }
        }
        channel.consumed(data.readableBytes)
    }

    func channel(_ channel: SSHSessionChannel, exited status: UInt32) { self.status = Int32(status & 0xFF) }

    func channel(_ channel: SSHSessionChannel, writabilityChanged isWritable: Bool) {
        if isWritable { input?.resume() }
    }

    func channel(_ channel: SSHSessionChannel, closed error: SSHError?) {
        input = nil
        if let error { ended.fail(error) } else { ended.succeed(status) }
    }
}

/// Brings standard input to a channel, as fast as that takes it. Loop-bound.
final class StandardInput: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let session: SSHSessionChannel
    private var context: ChannelHandlerContext?
    private var isHeld = false

    init(_ session: SSHSessionChannel) { self.session = session }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { session.write(unwrapInboundIn(data)) }

    func read(context: ChannelHandlerContext) {
        if session.isWritable {
            context.read()
        } else {
            isHeld = true
        }
    }

    func resume() {
        guard isHeld else { return }
        isHeld = false
        context?.read()
    }

    func channelInactive(context: ChannelHandlerContext) { session.sendEOF() }
}
