import NIOCore
import SSH

/// What a client's session channel is at the moment: a menu, a seat at a live session, a command. Loop-bound.
protocol SessionStage: AnyObject {
    /// Input; whoever takes it gives its window back.
    func received(_ data: ByteBuffer)
    func endOfFile()
    func resized(_ terminal: SSHServerTerminal)
    /// Without "SIG".
    func signal(_ name: String)
    func endOfWrite()
    func writabilityChanged(_ isWritable: Bool)
    /// The client is gone, or has closed its channel.
    func closed(_ error: SSHError?)
    /// The person's rights changed.
    func reauthorise()
    /// The person is out: say it and end.
    func revoke(_ sentence: String)
}

extension SessionStage {
    func endOfWrite() {}
}
