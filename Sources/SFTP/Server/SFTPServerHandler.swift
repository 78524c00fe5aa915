public import NIOCore

/// Serves SFTP on a SwiftNIO channel that carries nothing else, such as a pair of pipes or a socket.
///
/// ```swift
/// NIOPipeBootstrap(group: group).channelInitializer { channel in
///     channel.eventLoop.makeCompletedFuture {
///         try channel.pipeline.syncOperations.addHandler(SFTPServerHandler(fileSystem: files))
///     }
/// }
/// ```
public final class SFTPServerHandler: ChannelInboundHandler {
    public typealias InboundIn = ByteBuffer
    public typealias OutboundOut = ByteBuffer

    /// Unanswered bytes above which the channel is not read further.
    private static let readAhead = 2 << 20

    private let fileSystem: any SFTPFileSystem
    private let configuration: SFTPServerConfiguration
    private var server: SFTPServer?
    private var stream: ContextStream?

    public init(
        fileSystem: any SFTPFileSystem, configuration: SFTPServerConfiguration = SFTPServerConfiguration()
    ) {
        self.fileSystem = fileSystem
        self.configuration = configuration
    }

    public func handlerAdded(context: ChannelHandlerContext) {
        let stream = ContextStream(context)
        self.stream = stream
        server = SFTPServer(channel: stream, fileSystem: fileSystem, configuration: configuration)
    }

    public func handlerRemoved(context: ChannelHandlerContext) { finish() }

    public func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let data = unwrapInboundIn(data)
        stream?.pending += data.readableBytes
        server?.received(data)
        updateReading(context)
    }

    private func updateReading(_ context: ChannelHandlerContext) {
        guard let stream, stream.pending > Self.readAhead, !stream.isPaused else { return }
        stream.isPaused = true
        _ = context.channel.setOption(.autoRead, value: false)
    }

    public func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { server?.writabilityChanged() }
        context.fireChannelWritabilityChanged()
    }

    public func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed? = event as? ChannelEvent { server?.inputEnded() }
        context.fireUserInboundEventTriggered(event)
    }

    public func channelInactive(context: ChannelHandlerContext) {
        finish()
        context.fireChannelInactive()
    }

    public func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func finish() {
        server?.closed()
        server = nil
        stream?.context = nil
    }

    /// The pipeline's end of the stream.
    private final class ContextStream: SFTPByteChannel {
        var context: ChannelHandlerContext?
        let eventLoop: any EventLoop
        /// Received and not dealt with.
        var pending = 0
        var isPaused = false

        init(_ context: ChannelHandlerContext) {
            self.context = context
            eventLoop = context.eventLoop
        }

        var isWritable: Bool { context?.channel.isWritable ?? false }

        func write(_ data: ByteBuffer) -> Bool {
            guard let context else { return false }
            context.writeAndFlush(NIOAny(data), promise: nil)
            return true
        }

        func consumed(_ bytes: Int) {
            pending -= bytes
            guard isPaused, pending <= SFTPServerHandler.readAhead / 2, let context else { return }
            isPaused = false
            _ = context.channel.setOption(.autoRead, value: true)
        }

        /// Behind what is queued: an empty write completes when everything before it has left.
        func close() {
            guard let context else { return }
            let channel = context.channel
            context.writeAndFlush(NIOAny(ByteBuffer())).whenComplete { _ in channel.close(promise: nil) }
        }
    }
}
