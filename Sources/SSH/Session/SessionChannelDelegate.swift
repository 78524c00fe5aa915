public import NIOCore
public import SSHProtocol

/// The owner of one session channel. Every call is on the connection's event loop, in the order in which the host sent
/// things. The connection keeps the delegate until `channel(_:closed:)`, which comes exactly once and last.
public protocol SessionChannelDelegate: AnyObject {
    /// Bytes from the host. The window is given back only by `SSHSessionChannel.consumed(_:)`, so an owner that stops
    /// consuming stops its own channel (at most its window outstanding) and no other.
    ///
    /// The buffer is a slice of the connection's own: copy it when it is to be kept for long.
    func channel(_ channel: SSHSessionChannel, received data: ByteBuffer, stream: SSHDataStream)

    /// The remote process ended by itself (RFC 4254 §6.10).
    func channel(_ channel: SSHSessionChannel, exited status: UInt32)

    /// The remote process was ended by a signal (RFC 4254 §6.10).
    func channel(_ channel: SSHSessionChannel, exited signal: ExitSignal)

    /// The host will send no more data (RFC 4254 §5.3). Exit status and close may still follow.
    func channelEndOfFile(_ channel: SSHSessionChannel)

    /// The host reads nothing more of what is written (eow@openssh.com).
    func channelEndOfWrite(_ channel: SSHSessionChannel)

    /// The channel is over. nil after an orderly close by either side, else why the connection ended.
    func channel(_ channel: SSHSessionChannel, closed error: SSHError?)

    /// The outbound queue passed its upper mark (false) or fell below its lower one (true).
    func channel(_ channel: SSHSessionChannel, writabilityChanged isWritable: Bool)
}

extension SessionChannelDelegate {
    public func channel(_ channel: SSHSessionChannel, exited status: UInt32) {}
    public func channel(_ channel: SSHSessionChannel, exited signal: ExitSignal) {}
    public func channelEndOfFile(_ channel: SSHSessionChannel) {}
    public func channelEndOfWrite(_ channel: SSHSessionChannel) {}
    public func channel(_ channel: SSHSessionChannel, writabilityChanged isWritable: Bool) {}
}
