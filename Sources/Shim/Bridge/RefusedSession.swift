// A session that no host takes: its client is told why, where it looks for its command's errors.

import NIOCore
import SSH

/// Accepts what a client asks for until its program, then says a sentence on standard error and ends with status 255, as
/// OpenSSH's client does for failures that are not the program's. A refused channel would show the sentence only to those
/// whose client tells of it. Loop-bound.
final class RefusedSession: SSHRelayDelegate {
    private let sentence: String

    private init(_ sentence: String) { self.sentence = sentence }

    /// Refuses a channel that a client wants: a session in words, any other kind as the protocol does.
    static func refuse(_ incoming: SSHIncomingChannel, _ reason: ChannelRefusal, _ sentence: String) {
        guard incoming.request == .session else { return incoming.refuse(reason, sentence) }
        incoming.acceptRelay { _ in RefusedSession(sentence) }
    }

    func relay(_ channel: SSHRelayChannel, asked request: InboundChannelRequest) {
        channel.answer(request, success: true)
        switch request.request {
        case .shell, .exec, .subsystem:
            // A terminal that was asked for has turned the client's own into raw mode.
            channel.write(ByteBuffer(string: sentence + "\r\n"), stream: .standardError)
            channel.tell(.exitStatus(255))
            channel.close()
        default: break
        }
    }

    func relay(_ channel: SSHRelayChannel, received data: ByteBuffer, stream: SSHDataStream) {
        channel.consumed(data.readableBytes)
    }

    func relay(_ channel: SSHRelayChannel, told request: SessionRequest) {}
    func relayEndOfFile(_ channel: SSHRelayChannel) {}
    func relayEndOfWrite(_ channel: SSHRelayChannel) {}
    func relay(_ channel: SSHRelayChannel, writabilityChanged isWritable: Bool) {}
    func relay(_ channel: SSHRelayChannel, closed error: SSHError?) {}
}
