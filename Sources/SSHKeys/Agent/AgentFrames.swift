public import NIOCore
import SSHCrypto

/// Cuts the agent's byte stream into messages: a length of four bytes and that many bytes
/// (draft-ietf-sshm-ssh-agent §3).
///
/// At most one message of at most 256 KiB waits here; what it held is wiped when it is handed out, since keys and
/// passphrases come this way.
public struct AgentFrames: Sendable {
    /// The longest message that is taken or sent, in bytes, as in OpenSSH.
    public static let maximumLength = 256 * 1024

    private var pending: [UInt8] = []

    public init() {}

    /// Whether a message has begun and not ended.
    public var isWithinMessage: Bool { !pending.isEmpty }

    /// Takes bytes off `input` until a whole message is there; nil when there are too few.
    ///
    /// Throws `malformed` for a message that is empty or longer than ``maximumLength``, before any of it is kept.
    public mutating func next(from input: inout ByteBuffer) throws(SSHAgentError) -> [UInt8]? {
        while pending.count < 4 {
            guard let byte = input.readInteger(as: UInt8.self) else { return nil }
            pending.append(byte)
        }
        let length = pending.prefix(4).reduce(0) { $0 << 8 | Int($1) }
        guard length > 0 else { throw .malformed("a message is empty") }
        guard length <= Self.maximumLength else { throw .malformed("a message has \(length) bytes") }
        // Room for the whole message at once: an array that grows leaves copies of secrets behind.
        pending.reserveCapacity(4 + length)
        let missing = 4 + length - pending.count
        guard let bytes = input.readBytes(length: min(missing, input.readableBytes)) else { return nil }
        pending.append(contentsOf: bytes)
        guard pending.count == 4 + length else { return nil }
        let message = Array(pending.dropFirst(4))
        wipe(&pending)
        pending = []
        return message
    }

    /// A message with its length.
    public static func framed(_ message: [UInt8]) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.reserveCapacity(4 + message.count)
        buffer.writeInteger(UInt32(truncatingIfNeeded: message.count))
        buffer.writeBytes(message)
        return buffer
    }
}
