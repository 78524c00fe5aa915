// Reads and writes the data types of RFC 4251 §5 as SFTP uses them. Every length and count is checked against what is
// left before anything is allocated.

import NIOCore

struct SFTPReader {
    private var buffer: ByteBuffer

    init(_ payload: ByteBuffer) { buffer = payload }

    var remaining: Int { buffer.readableBytes }

    func malformed(_ reason: String) -> SFTPStatus { SFTPStatus(.badMessage, "Malformed message: \(reason)") }

    private var truncated: SFTPStatus { malformed("it ends too early") }

    mutating func byte() throws(SFTPStatus) -> UInt8 {
        guard let value = buffer.readInteger(as: UInt8.self) else { throw truncated }
        return value
    }

    mutating func uint32() throws(SFTPStatus) -> UInt32 {
        guard let value = buffer.readInteger(as: UInt32.self) else { throw truncated }
        return value
    }

    mutating func uint64() throws(SFTPStatus) -> UInt64 {
        guard let value = buffer.readInteger(as: UInt64.self) else { throw truncated }
        return value
    }

    /// A string as a slice of the packet, without a copy.
    mutating func slice() throws(SFTPStatus) -> ByteBuffer {
        let length = try uint32()
        guard length <= UInt32(clamping: buffer.readableBytes), let slice = buffer.readSlice(length: Int(length)) else {
            throw truncated
        }
        return slice
    }

    mutating func bytes() throws(SFTPStatus) -> [UInt8] { Array(try slice().readableBytesView) }

    /// A string as text; what is no UTF-8 is repaired, since it is only to be shown.
    mutating func text() throws(SFTPStatus) -> String { String(buffer: try slice()) }

    mutating func path() throws(SFTPStatus) -> RemotePath { RemotePath(bytes: try bytes()) }

    /// A handle is opaque and at most 256 bytes (draft-ietf-secsh-filexfer-02 §6.2).
    mutating func handle() throws(SFTPStatus) -> SFTPHandle {
        let bytes = try slice()
        guard bytes.readableBytes <= SFTPHandle.maximumLength else { throw malformed("a handle is too long") }
        return SFTPHandle(bytes: Array(bytes.readableBytesView))
    }

    /// A number of things that follow, each at least `minimumSize` bytes long.
    mutating func count(minimumSize: Int) throws(SFTPStatus) -> Int {
        let count = Int(try uint32())
        guard count <= buffer.readableBytes / minimumSize else { throw malformed("a count is too large") }
        return count
    }

    mutating func rest() -> ByteBuffer { buffer.readSlice(length: buffer.readableBytes) ?? ByteBuffer() }
}

/// A file or directory that the server holds open, by the server's opaque name.
public struct SFTPHandle: Sendable, Hashable {
    static let maximumLength = 256

    var bytes: [UInt8]
}

extension ByteBuffer {
    mutating func writeString(of bytes: some Collection<UInt8>) {
        writeInteger(UInt32(clamping: bytes.count))
        writeBytes(bytes)
    }

    mutating func writeString(of text: String) { writeString(of: text.utf8) }

    mutating func writeString(of path: RemotePath) { writeString(of: path.bytes) }

    mutating func writeString(of handle: SFTPHandle) { writeString(of: handle.bytes) }

    /// Writes one packet: the length goes in front when the body is there.
    mutating func writePacket(_ type: MessageType, _ body: (inout ByteBuffer) -> Void) {
        let start = writerIndex
        writeInteger(UInt32(0))
        writeInteger(type.rawValue)
        body(&self)
        setInteger(UInt32(clamping: writerIndex - start - 4), at: start)
    }
}
