import NIOCore
import SSH

/// An SSH session channel as the stream of bytes that SFTP runs over. Loop-bound.
final class SessionStream: SessionChannelDelegate, SFTPByteChannel {
    let eventLoop: any EventLoop
    /// Set as soon as the channel stands.
    var channel: SSHSessionChannel?
    /// The user of the stream; let go when the channel is over.
    var core: ClientCore?
    private var refusal: SFTPError?

    init(_ eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    var isWritable: Bool { channel?.isWritable ?? false }

    func write(_ data: ByteBuffer) -> Bool { channel?.write(data) ?? false }

    func consumed(_ bytes: Int) { channel?.consumed(bytes) }

    func close() {
        guard let channel else { return }
        channel.sendEOF()
        channel.close()
    }

    /// Why the channel is about to close.
    func refused(_ error: SFTPError) {
        refusal = error
        core?.closed(error)
        channel?.close()
    }

    func channel(_ channel: SSHSessionChannel, received data: ByteBuffer, stream: SSHDataStream) {
        switch stream {
        case .standardOutput: core?.received(data)
        // Not part of the protocol; nobody reads it.
        case .standardError: channel.consumed(data.readableBytes)
        }
    }

    func channelEndOfFile(_ channel: SSHSessionChannel) { core?.closed(refusal) }

    func channel(_ channel: SSHSessionChannel, writabilityChanged isWritable: Bool) {
        if isWritable { core?.writabilityChanged() }
    }

    func channel(_ channel: SSHSessionChannel, closed error: SSHError?) {
        core?.closed(refusal ?? error.map { .lost($0) })
        core = nil
        self.channel = nil
    }
}
