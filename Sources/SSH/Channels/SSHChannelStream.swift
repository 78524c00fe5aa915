public import NIOCore
import SSHProtocol

/// A channel as a stream for tasks: bytes in as an asynchronous sequence, bytes out by a `write` that waits for room.
///
/// Whoever does not read stops the peer by the channel's window, and no other channel. The stream is read by one task at a
/// time; it closes when nobody holds it any more.
///
/// ```swift
/// let web = try await connection.openTCP(to: SSHEndpoint(host: "intranet", port: 80))
/// try await web.write("GET / HTTP/1.0\r\n\r\n")
/// for try await bytes in web { print(String(buffer: bytes)) }
/// ```
public final class SSHChannelStream: AsyncSequence, Sendable {
    public typealias Element = ByteBuffer
    public typealias Failure = SSHError

    /// The channel itself, for its loop.
    public let channel: SSHChannel
    private let mailbox: ChannelMailbox

    init(_ channel: SSHChannel, _ mailbox: ChannelMailbox) {
        self.channel = channel
        self.mailbox = mailbox
    }

    deinit {
        let channel = channel
        channel.eventLoop.execute { channel.close() }
    }

    public struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let stream: SSHChannelStream

        /// The next bytes; nil when the peer sends no more.
        public mutating func next(
            isolation actor: isolated (any Actor)? = #isolation
        ) async throws(SSHError) -> ByteBuffer? {
            try await stream.read()
        }

        public mutating func next() async throws(SSHError) -> ByteBuffer? { try await stream.read() }
    }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(stream: self) }

    /// The next bytes, as many as came together; nil when the peer sends no more.
    ///
    /// - Throws: Why the connection ended, or `cancelled`.
    public func read() async throws(SSHError) -> ByteBuffer? { try await mailbox.next()?.data }

    /// Sends bytes; returns when the channel has taken them into its queue, which waits for the peer's window.
    ///
    /// - Throws: `channel_closed`, why the connection ended, or `cancelled`.
    public func write(_ data: ByteBuffer) async throws(SSHError) { try await mailbox.write(data) }

    /// Sends text as UTF-8.
    public func write(_ text: String) async throws(SSHError) { try await write(ByteBuffer(string: text)) }

    /// Ends our half, after what was written.
    public func finish() {
        let channel = channel
        channel.eventLoop.execute { channel.sendEOF() }
    }

    /// Closes the channel, after what was written.
    public func close() {
        let channel = channel
        channel.eventLoop.execute { channel.close() }
    }
}

extension ChannelMailbox {
    /// The owner that fills this mailbox from a channel. On the event loop.
    func attach(_ channel: SSHChannel) -> StreamOwner { StreamOwner(channel, self) }
}

/// Fills a mailbox from a raw channel. Loop-bound.
final class StreamOwner: SSHChannelDelegate, MailboxChannel {
    private let mailbox: ChannelMailbox
    // The driver keeps this owner until the channel closes, and the owner must not keep a client's connection alive.
    private weak var channel: SSHChannel?

    init(_ channel: SSHChannel?, _ mailbox: ChannelMailbox) {
        self.channel = channel
        self.mailbox = mailbox
        if channel != nil { mailbox.connect(self) }
    }

    func adopt(_ channel: SSHChannel) {
        self.channel = channel
        mailbox.connect(self)
    }

    func channel(_ channel: SSHChannel, received data: ByteBuffer) { mailbox.push(data) }

    func channelEndOfFile(_ channel: SSHChannel) { mailbox.end() }

    func channel(_ channel: SSHChannel, writabilityChanged isWritable: Bool) {
        mailbox.writabilityChanged(isWritable)
    }

    func channel(_ channel: SSHChannel, closed error: SSHError?) { mailbox.close(error) }

    func mailboxConsumed(_ bytes: Int) { channel?.consumed(bytes) }

    func mailboxWrite(_ data: ByteBuffer, _ stream: SSHDataStream) -> Bool { channel?.write(data) ?? false }

    var mailboxIsWritable: Bool { channel?.isWritable ?? false }

    var mailboxTakesInput: Bool { channel?.takesInput ?? false }
}
