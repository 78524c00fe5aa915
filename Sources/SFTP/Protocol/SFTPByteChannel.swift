public import NIOCore

/// A two-way stream of bytes that SFTP runs over: an SSH channel, or a pipe.
///
/// Loop-bound: the client and the server call it on `eventLoop` alone, and are called there.
public protocol SFTPByteChannel: AnyObject {
    var eventLoop: any EventLoop { get }

    /// Whether more may be written now. When it becomes true again the user is told.
    var isWritable: Bool { get }

    /// Queues bytes. False, with nothing taken, when the stream is over or its queue is full.
    @discardableResult
    func write(_ data: ByteBuffer) -> Bool

    /// `bytes` that were received are dealt with; the peer may send as many more.
    func consumed(_ bytes: Int)

    /// Ends the stream after everything queued has left.
    func close()
}
