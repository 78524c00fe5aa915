// Global requests: RFC 4254 §4. Answers come in order and carry no name, in both directions.

import NIOCore
import SSHKeys

struct GlobalRequests {
    /// What a request of ours was for.
    enum Purpose {
        case keepalive
        case ping(RequestToken)
        /// Measures what a round trip carries on a channel.
        case windowProbe(ChannelID)
        case forward(RequestToken, RemoteForward)
        case cancelForward(RequestToken, RemoteForward)
        /// hostkeys-prove-00@openssh.com, for these keys.
        case hostKeyProofs([SSHPublicKey])
    }

    /// An answer of ours.
    enum Answer {
        case failure
        /// With what belongs to the answer.
        case success(ByteBuffer)
    }

    /// Ours that may wait for the peer, and the peer's that may wait for us.
    static let limit = 32
    /// Probes are the first to do without.
    static let probeLimit = 8

    private var waiting = CircularBuffer<Purpose>()
    var inbound = OrderedAnswers<Answer>()
    /// What the peer listens on for us.
    var forwards: Set<RemoteForward> = []

    var isFull: Bool { waiting.count >= Self.limit }
    /// Whether one of ours is without its answer.
    var isAnswerDue: Bool { !waiting.isEmpty }
    var takesProbe: Bool { waiting.count < Self.probeLimit }
    /// Whether the owner has so many to answer that nothing more is read.
    var isInboundFull: Bool { inbound.unanswered >= Self.limit }

    mutating func append(_ purpose: Purpose) { waiting.append(purpose) }

    /// nil for an answer to nothing: dropped, it harms nobody.
    mutating func popFirst() -> Purpose? { waiting.popFirst() }

    /// Whether a forwarded connection was asked for (RFC 4254 §7.2). Servers name the address as they were asked for it,
    /// as they resolved it, or as the connection came in; the port, or the path, is what identifies it.
    func isRequested(_ open: ChannelOpenRequest) -> Bool {
        switch open {
        case .forwardedTCPIP(let connected, _):
            forwards.contains {
                if case .tcp(let endpoint) = $0 { return endpoint.port == connected.port }
                return false
            }
        case .forwardedStreamLocal(let path): forwards.contains(.unix(path: path))
        default: false
        }
    }
}
