// What a server answers: draft-ietf-secsh-filexfer-02 §7.

import NIOCore

/// One name of a directory, as the server tells it.
public struct DirectoryEntry: Sendable, Hashable {
    /// As it came. Join it to a path only by `RemotePath.appending`, which refuses what would lead elsewhere.
    public var name: RemotePath
    /// A line as of `ls -l`, made by the server for people. Neutralise it before it is shown.
    public var longName: String
    public var attributes: FileAttributes

    public init(name: RemotePath, longName: String = "", attributes: FileAttributes) {
        self.name = name
        self.longName = longName
        self.attributes = attributes
    }
}

enum SFTPResponse: Sendable {
    case status(SFTPStatus)
    case handle(SFTPHandle)
    case data(ByteBuffer)
    case names([DirectoryEntry])
    case attributes(FileAttributes)
    case extended(ByteBuffer)

    /// - Throws: `badMessage` when it ends too early, counts wrongly or is no answer.
    init(type: UInt8, _ reader: inout SFTPReader) throws(SFTPStatus) {
        switch MessageType(rawValue: type) {
        case .status:
            let code = try reader.uint32()
            // Servers of old send no message, though version 3 wants one.
            let message = reader.remaining > 0 ? try reader.text() : ""
            self = .status(SFTPStatus(SFTPStatus.Code(rawValue: code) ?? .failure, message))
        case .handle: self = .handle(try reader.handle())
        case .data: self = .data(try reader.slice())
        case .name:
            // A name, a long name and attributes' flags: twelve bytes at least.
            let count = try reader.count(minimumSize: 12)
            var entries: [DirectoryEntry] = []
            entries.reserveCapacity(count)
            for _ in 0..<count {
                entries.append(
                    DirectoryEntry(
                        name: try reader.path(), longName: try reader.text(), attributes: try FileAttributes(&reader)))
            }
            self = .names(entries)
        case .attrs: self = .attributes(try FileAttributes(&reader))
        case .extendedReply: self = .extended(reader.rest())
        default: throw SFTPStatus(.badMessage, "A message of type \(type) is no answer")
        }
    }

    func write(id: UInt32, to buffer: inout ByteBuffer) {
        buffer.writePacket(type) { buffer in
            buffer.writeInteger(id)
            switch self {
            case .status(let status):
                buffer.writeInteger(status.code.rawValue)
                buffer.writeString(of: status.message)
                buffer.writeString(of: "en")
            case .handle(let handle): buffer.writeString(of: handle)
            case .data(let data): buffer.writeString(of: data.readableBytesView)
            case .names(let entries):
                buffer.writeInteger(UInt32(clamping: entries.count))
                for entry in entries { entry.write(to: &buffer) }
            case .attributes(let attributes): attributes.write(to: &buffer)
            case .extended(let data): buffer.writeImmutableBuffer(data)
            }
        }
    }

    private var type: MessageType {
        switch self {
        case .status: .status
        case .handle: .handle
        case .data: .data
        case .names: .name
        case .attributes: .attrs
        case .extended: .extendedReply
        }
    }
}

extension DirectoryEntry {
    func write(to buffer: inout ByteBuffer) {
        buffer.writeString(of: name)
        buffer.writeString(of: longName)
        attributes.write(to: &buffer)
    }
}
