// Reading what a client asks. Bytes after a message's end are passed over, as OpenSSH does: later drafts add fields.

import NIOCore

extension SFTPRequest {
    /// - Parameters:
    ///   - type: The packet's type, of those that a client sends.
    ///   - reader: Behind the request's id.
    /// - Throws: `badMessage` when it ends too early or counts wrongly.
    init(_ type: MessageType, _ reader: inout SFTPReader) throws(SFTPStatus) {
        switch type {
        case .open:
            let path = try reader.path()
            let flags = OpenFlags(rawValue: try reader.uint32())
            self = .open(path, flags, try FileAttributes(&reader))
        case .close: self = .close(try reader.handle())
        case .read:
            self = .read(try reader.handle(), offset: try reader.uint64(), length: try reader.uint32())
        case .write:
            self = .write(try reader.handle(), offset: try reader.uint64(), data: try reader.slice())
        case .lstat: self = .lstat(try reader.path())
        case .fstat: self = .fstat(try reader.handle())
        case .setstat: self = .setstat(try reader.path(), try FileAttributes(&reader))
        case .fsetstat: self = .fsetstat(try reader.handle(), try FileAttributes(&reader))
        case .opendir: self = .opendir(try reader.path())
        case .readdir: self = .readdir(try reader.handle())
        case .remove: self = .remove(try reader.path())
        case .mkdir: self = .mkdir(try reader.path(), try FileAttributes(&reader))
        case .rmdir: self = .rmdir(try reader.path())
        case .realpath: self = .realpath(try reader.path())
        case .stat: self = .stat(try reader.path())
        case .rename: self = .rename(from: try reader.path(), to: try reader.path())
        case .readlink: self = .readlink(try reader.path())
        case .symlink: self = .symlink(target: try reader.path(), link: try reader.path())
        case .extended: self = try Self.extended(&reader)
        case .initialise, .version, .status, .handle, .data, .name, .attrs, .extendedReply:
            throw SFTPStatus(.badMessage, "A message of type \(type.rawValue) is no request")
        }
    }

    private static func extended(_ reader: inout SFTPReader) throws(SFTPStatus) -> SFTPRequest {
        let name = try reader.text()
        switch SFTPExtension(rawValue: name) {
        case .posixRename: return .posixRename(from: try reader.path(), to: try reader.path())
        case .statvfs: return .statvfs(try reader.path())
        case .fstatvfs: return .fstatvfs(try reader.handle())
        case .hardlink: return .hardlink(existing: try reader.path(), link: try reader.path())
        case .fsync: return .fsync(try reader.handle())
        case .lsetstat: return .lsetstat(try reader.path(), try FileAttributes(&reader))
        case .limits: return .limits
        case .expandPath: return .expandPath(try reader.path())
        case .copyData:
            return .copyData(
                CopyRange(
                    source: try reader.handle(), sourceOffset: try reader.uint64(), length: try reader.uint64(),
                    target: try reader.handle(), targetOffset: try reader.uint64()))
        case .homeDirectory: return .homeDirectory(user: try reader.text())
        case .usersGroupsByID:
            return .usersGroupsByID(users: try numbers(&reader), groups: try numbers(&reader))
        case nil: return .unknownExtension(name)
        }
    }

    /// More than a directory listing ever asks for.
    private static let maximumNumbers = 1024

    private static func numbers(_ reader: inout SFTPReader) throws(SFTPStatus) -> [UInt32] {
        var list = SFTPReader(try reader.slice())
        guard list.remaining % 4 == 0, list.remaining / 4 <= maximumNumbers else {
            throw reader.malformed("a list of numbers has a wrong length")
        }
        var numbers: [UInt32] = []
        while list.remaining > 0 { numbers.append(try list.uint32()) }
        return numbers
    }
}
