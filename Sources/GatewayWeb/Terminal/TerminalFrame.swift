import NIOCore

/// The frames of `copilot.term.v1`: `u8 type, varint channel, fields`, in binary WebSocket messages.
///
/// A varint is an unsigned LEB128 of at most 64 bits; a string is its length as a varint and UTF-8; bytes are the rest
/// of the frame. Offsets are positions in the session's output stream.
enum TerminalFrame {
    /// What a client may send.
    enum Request: Equatable {
        case attach(Attach)
        case input(sequence: UInt64, ByteBuffer)
        case acknowledge(offset: UInt64)
        case size(columns: Int, rows: Int)
        case take
        case give(seat: String?)
        case request
        case detach
        case ping(UInt64)
        case visible(Bool)
        case note(kind: String, json: String)
    }

    struct Attach: Equatable {
        let session: String
        let have: UInt64?
        let columns: Int
        let rows: Int
        let clientID: String
        let device: String
    }

    /// What is wrong with a frame.
    enum Malformed: Error, Equatable {
        case empty
        case unknownType(UInt8)
        case truncated
        case numberTooLarge
        case notUTF8
        case trailingBytes
        case tooLong(String)
    }

    enum ServerType: UInt8 {
        case hello = 0x01, snapshot, output, resize, skip, state, inputAccepted, refused, notice, exit, error, pong,
            note
    }

    private enum ClientType: UInt8 {
        case attach = 0x41, input, acknowledge, size, take, give, request, detach, ping, visible, note
    }

    /// Input of one frame at most, in bytes.
    static let inputLimit = 64 * 1024
    /// JSON of one note of a client at most, in bytes.
    static let noteLimit: UInt64 = 4096

    /// Decodes one message of a client.
    static func decode(_ message: ByteBuffer) throws(Malformed) -> (channel: UInt64, Request) {
        var buffer = message
        guard let byte = buffer.readInteger(as: UInt8.self) else { throw .empty }
        guard let type = ClientType(rawValue: byte) else { throw .unknownType(byte) }
        let channel = try varint(&buffer)
        let request = try fields(of: type, &buffer)
        guard buffer.readableBytes == 0 else { throw .trailingBytes }
        return (channel, request)
    }

    private static func fields(of type: ClientType, _ buffer: inout ByteBuffer) throws(Malformed) -> Request {
        switch type {
        case .attach: return .attach(try attach(&buffer))
        case .input:
            let sequence = try varint(&buffer)
            guard buffer.readableBytes <= inputLimit else { throw .tooLong("input") }
            let bytes = buffer
            buffer.moveReaderIndex(to: buffer.writerIndex)
            return .input(sequence: sequence, bytes)
        case .acknowledge: return .acknowledge(offset: try varint(&buffer))
        case .size: return .size(columns: try dimension(&buffer), rows: try dimension(&buffer))
        case .take: return .take
        case .give:
            let seat = try string(&buffer, "seat", limit: 64)
            return .give(seat: seat.isEmpty ? nil : seat)
        case .request: return .request
        case .detach: return .detach
        case .ping: return .ping(try varint(&buffer))
        case .visible:
            guard let flag = buffer.readInteger(as: UInt8.self) else { throw .truncated }
            return .visible(flag != 0)
        case .note:
            return .note(
                kind: try string(&buffer, "kind", limit: 64), json: try string(&buffer, "json", limit: noteLimit))
        }
    }

    private static func attach(_ buffer: inout ByteBuffer) throws(Malformed) -> Attach {
        let session = try string(&buffer, "session", limit: 64)
        let have = try varint(&buffer)
        return Attach(
            session: session, have: have == 0 ? nil : have - 1, columns: try dimension(&buffer),
            rows: try dimension(&buffer), clientID: try string(&buffer, "clientId", limit: 64),
            device: try string(&buffer, "device", limit: 64))
    }

    private static func dimension(_ buffer: inout ByteBuffer) throws(Malformed) -> Int {
        Int(clamping: min(try varint(&buffer), 10_000))
    }

    private static func string(_ buffer: inout ByteBuffer, _ name: String, limit: UInt64) throws(Malformed) -> String {
        let length = try varint(&buffer)
        guard length <= limit else { throw .tooLong(name) }
        guard let bytes = buffer.readBytes(length: Int(length)) else { throw .truncated }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw .notUTF8 }
        return text
    }

    private static func varint(_ buffer: inout ByteBuffer) throws(Malformed) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while let byte = buffer.readInteger(as: UInt8.self) {
            let part = UInt64(byte & 0x7f)
            guard shift < 63 || (shift == 63 && part <= 1) else { throw .numberTooLarge }
            value |= part << shift
            if byte & 0x80 == 0 { return value }
            shift += 7
        }
        throw .truncated
    }
}

extension ByteBuffer {
    /// Unsigned LEB128.
    mutating func writeVarint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            writeInteger(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        writeInteger(UInt8(rest))
    }

    mutating func writeTerminalString(_ text: String) {
        let bytes = text.utf8
        writeVarint(UInt64(bytes.count))
        writeBytes(bytes)
    }

    /// The beginning of a frame: type and channel.
    mutating func writeTerminalHead(_ type: TerminalFrame.ServerType, channel: UInt64) {
        writeInteger(type.rawValue)
        writeVarint(channel)
    }
}
