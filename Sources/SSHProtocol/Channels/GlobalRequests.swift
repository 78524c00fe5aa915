// Global requests of ours that wait for their answers: RFC 4254 §4. Answers come in order and carry no name.

import NIOCore
import SSHKeys

struct GlobalRequests {
    enum Purpose {
        case keepalive
        case ping(RequestToken)
        /// hostkeys-prove-00@openssh.com, for these keys.
        case hostKeyProofs([SSHPublicKey])
    }

    static let limit = 32

    private var waiting = CircularBuffer<Purpose>()

    var isFull: Bool { waiting.count >= Self.limit }

    mutating func append(_ purpose: Purpose) { waiting.append(purpose) }

    /// nil for an answer to nothing: dropped, it harms nobody.
    mutating func popFirst() -> Purpose? { waiting.popFirst() }
}
