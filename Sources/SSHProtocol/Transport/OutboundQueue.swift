// Messages that wait while keys are exchanged.

import NIOCore

/// RFC 4253 §7.1: between our KEXINIT and our NEWKEYS nothing but key exchange may be sent; OpenSSH from 10.4 on ends the
/// connection of a peer that does. Everything else waits here, in order. Channel data does not come here: it stays in
/// its channel's own queue.
struct OutboundQueue {
    /// Reached only by a peer that asks and asks while it never finishes its own part of the exchange.
    static let maximumMessages = 4096
    static let maximumBytes = 1 << 20

    private var messages = CircularBuffer<ByteBuffer>()
    private var bytes = 0

    var isEmpty: Bool { messages.isEmpty }

    mutating func append(_ message: ByteBuffer) throws(ProtocolError) {
        guard messages.count < Self.maximumMessages, bytes + message.readableBytes <= Self.maximumBytes else {
            throw ProtocolError(
                .limitExceeded, "Too many messages wait for the end of the key exchange.", reason: .byApplication)
        }
        bytes += message.readableBytes
        messages.append(message)
    }

    mutating func popFirst() -> ByteBuffer? {
        guard let message = messages.popFirst() else { return nil }
        bytes -= message.readableBytes
        return message
    }
}
