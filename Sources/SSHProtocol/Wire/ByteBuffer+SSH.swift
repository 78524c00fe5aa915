// Writes the data types of RFC 4251 §5.

import NIOCore

extension ByteBuffer {
    /// A buffer that begins with a message number.
    init(message: MessageNumber, capacity: Int = 64) {
        self = ByteBufferAllocator().buffer(capacity: capacity)
        writeInteger(message.rawValue)
    }

    mutating func writeSSHString(_ bytes: some Collection<UInt8>) {
        writeInteger(UInt32(truncatingIfNeeded: bytes.count))
        writeBytes(bytes)
    }

    mutating func writeSSHString(_ text: String) { writeSSHString(text.utf8) }

    mutating func writeSSHBoolean(_ value: Bool) { writeInteger(value ? UInt8(1) : 0) }

    mutating func writeNameList(_ names: [String]) { writeSSHString(names.joined(separator: ",")) }
}
