// The old protocol of scp runs over the standard input and output of a command.

public import NIOCore

/// What the old scp protocol reads and writes. One task reads and writes at a time.
public protocol SCPStream: Sendable {
    /// The next bytes, at least one; nil when the other end has ended.
    func read() async throws(SFTPError) -> ByteBuffer?

    /// Returns when there is room for more.
    func write(_ data: ByteBuffer) async throws(SFTPError)
}

/// Reads lines, status bytes and data off a stream, each within limits.
struct SCPReader {
    /// A control line is a mode, a size and one name.
    private static let maximumLine = 4096

    let stream: any SCPStream
    private var buffer = ByteBuffer()

    init(_ stream: any SCPStream) { self.stream = stream }

    private mutating func fill() async throws(SFTPError) -> Bool {
        guard var more = try await stream.read() else { return false }
        if buffer.readableBytes == 0 { buffer = more } else { buffer.writeBuffer(&more) }
        return true
    }

    /// nil at the end.
    mutating func byte() async throws(SFTPError) -> UInt8? {
        while true {
            if let byte = buffer.readInteger(as: UInt8.self) { return byte }
            guard try await fill() else { return nil }
        }
    }

    /// Bytes up to a line feed, without it.
    mutating func line() async throws(SFTPError) -> [UInt8] {
        var line: [UInt8] = []
        while line.count < Self.maximumLine {
            guard let byte = try await byte() else { throw .scpEnded }
            if byte == UInt8(ascii: "\n") { return line }
            line.append(byte)
        }
        throw .protocolError("The other end of scp sent a line without an end.")
    }

    /// Some of the data that is to come, at most `count` bytes.
    mutating func data(upTo count: Int) async throws(SFTPError) -> ByteBuffer {
        while true {
            if let data = buffer.readSlice(length: min(count, buffer.readableBytes)), data.readableBytes > 0 {
                return data
            }
            guard try await fill() else { throw .scpEnded }
        }
    }

    /// Reads what the other end says to what was sent: zero, or one or two and a sentence.
    mutating func acknowledgement() async throws(SFTPError) {
        guard let byte = try await byte() else { throw .scpEnded }
        guard byte != 0 else { return }
        guard byte == 1 || byte == 2 else { throw .protocolError("The other end of scp answered something else.") }
        throw .scpRefused(try await line())
    }
}

extension SFTPError {
    static let scpEnded = SFTPError(
        .connectionLost, "The other end of scp ended before the transfer was complete.",
        hint: "Look whether scp exists there and the disk has room; SFTP tells more.")

    /// A sentence of the other end.
    static func scpRefused(_ sentence: [UInt8]) -> SFTPError {
        let words = RemotePath(bytes: sentence).description
        return SFTPError(
            .failure, words.isEmpty ? "The other end of scp refused." : "The other end says: \(words).",
            hint: "Check path and permission at the other end.")
    }
}
