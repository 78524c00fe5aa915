import NIOCore
import SSHProtocol

/// Tells a `SessionChannelDelegate` what its channel's events mean. Loop-bound.
final class SessionOwner: ChannelOwner {
    let channel: SSHSessionChannel
    private let delegate: any SessionChannelDelegate

    init(_ channel: SSHSessionChannel, _ delegate: any SessionChannelDelegate) {
        self.channel = channel
        self.delegate = delegate
    }

    func channelEvent(_ event: SessionChannelEvent) {
        switch event {
        case .data(let stream, let bytes): delegate.channel(channel, received: bytes, stream: stream)
        case .exitStatus(let status): delegate.channel(channel, exited: status)
        case .exitSignal(let signal): delegate.channel(channel, exited: signal)
        case .endOfFile: delegate.channelEndOfFile(channel)
        case .endOfWrite: delegate.channelEndOfWrite(channel)
        case .writabilityChanged(let isWritable): delegate.channel(channel, writabilityChanged: isWritable)
        case .opened, .refused, .answered, .request, .closed: break
        }
    }

    func channelClosed(_ error: SSHError?) { delegate.channel(channel, closed: error) }
}
