// What a client asks: draft-ietf-secsh-filexfer-02 §6 and §8, and OpenSSH's extensions.

import NIOCore

enum SFTPRequest: Sendable, Hashable {
    case open(RemotePath, OpenFlags, FileAttributes)
    case close(SFTPHandle)
    case read(SFTPHandle, offset: UInt64, length: UInt32)
    case write(SFTPHandle, offset: UInt64, data: ByteBuffer)
    case lstat(RemotePath)
    case fstat(SFTPHandle)
    case setstat(RemotePath, FileAttributes)
    case fsetstat(SFTPHandle, FileAttributes)
    case opendir(RemotePath)
    case readdir(SFTPHandle)
    case remove(RemotePath)
    case mkdir(RemotePath, FileAttributes)
    case rmdir(RemotePath)
    case realpath(RemotePath)
    case stat(RemotePath)
    case rename(from: RemotePath, to: RemotePath)
    case readlink(RemotePath)
    /// The draft has the link's path first; OpenSSH has the target first, and everybody follows it.
    case symlink(target: RemotePath, link: RemotePath)
    case posixRename(from: RemotePath, to: RemotePath)
    case statvfs(RemotePath)
    case fstatvfs(SFTPHandle)
    case hardlink(existing: RemotePath, link: RemotePath)
    case fsync(SFTPHandle)
    case lsetstat(RemotePath, FileAttributes)
    case limits
    case expandPath(RemotePath)
    case copyData(CopyRange)
    case homeDirectory(user: String)
    case usersGroupsByID(users: [UInt32], groups: [UInt32])
    case unknownExtension(String)
}

/// What copy-data copies, at the server.
public struct CopyRange: Sendable, Hashable {
    var source: SFTPHandle
    var sourceOffset: UInt64
    /// Zero: to the end of the source.
    var length: UInt64
    var target: SFTPHandle
    var targetOffset: UInt64
}

// MARK: Writing

extension SFTPRequest {
    var type: MessageType {
        switch self {
        case .open: .open
        case .close: .close
        case .read: .read
        case .write: .write
        case .lstat: .lstat
        case .fstat: .fstat
        case .setstat: .setstat
        case .fsetstat: .fsetstat
        case .opendir: .opendir
        case .readdir: .readdir
        case .remove: .remove
        case .mkdir: .mkdir
        case .rmdir: .rmdir
        case .realpath: .realpath
        case .stat: .stat
        case .rename: .rename
        case .readlink: .readlink
        case .symlink: .symlink
        default: .extended
        }
    }

    /// Writes the packet. The data of a WRITE is left out, for the caller to send behind it without a copy.
    func write(id: UInt32, to buffer: inout ByteBuffer) {
        let start = buffer.writerIndex
        buffer.writePacket(type) { buffer in
            buffer.writeInteger(id)
            writeBody(to: &buffer)
        }
        guard case .write(_, _, let data) = self else { return }
        let length = buffer.writerIndex - start - 4 + data.readableBytes
        buffer.setInteger(UInt32(clamping: length), at: start)
    }

    private func writeBody(to buffer: inout ByteBuffer) {
        switch self {
        case .open(let path, let flags, let attributes):
            buffer.writeString(of: path)
            buffer.writeInteger(flags.rawValue)
            attributes.write(to: &buffer)
        case .close(let handle), .fstat(let handle), .readdir(let handle):
            buffer.writeString(of: handle)
        case .read(let handle, let offset, let length):
            buffer.writeString(of: handle)
            buffer.writeInteger(offset)
            buffer.writeInteger(length)
        case .write(let handle, let offset, let data):
            buffer.writeString(of: handle)
            buffer.writeInteger(offset)
            buffer.writeInteger(UInt32(clamping: data.readableBytes))
        case .lstat(let path), .stat(let path), .opendir(let path), .remove(let path), .rmdir(let path),
            .realpath(let path), .readlink(let path):
            buffer.writeString(of: path)
        case .setstat(let path, let attributes), .mkdir(let path, let attributes):
            buffer.writeString(of: path)
            attributes.write(to: &buffer)
        case .fsetstat(let handle, let attributes):
            buffer.writeString(of: handle)
            attributes.write(to: &buffer)
        case .rename(let from, let to), .symlink(let from, let to):
            buffer.writeString(of: from)
            buffer.writeString(of: to)
        default:
            writeExtended(to: &buffer)
        }
    }

    private func writeExtended(to buffer: inout ByteBuffer) {
        buffer.writeString(of: extensionName ?? "")
        switch self {
        case .posixRename(let from, let to), .hardlink(let from, let to):
            buffer.writeString(of: from)
            buffer.writeString(of: to)
        case .statvfs(let path), .expandPath(let path):
            buffer.writeString(of: path)
        case .fstatvfs(let handle), .fsync(let handle):
            buffer.writeString(of: handle)
        case .lsetstat(let path, let attributes):
            buffer.writeString(of: path)
            attributes.write(to: &buffer)
        case .copyData(let range):
            buffer.writeString(of: range.source)
            buffer.writeInteger(range.sourceOffset)
            buffer.writeInteger(range.length)
            buffer.writeString(of: range.target)
            buffer.writeInteger(range.targetOffset)
        case .homeDirectory(let user):
            buffer.writeString(of: user)
        case .usersGroupsByID(let users, let groups):
            for numbers in [users, groups] {
                buffer.writeInteger(UInt32(clamping: numbers.count * 4))
                for number in numbers { buffer.writeInteger(number) }
            }
        default:
            break
        }
    }

    var extensionName: String? {
        if case .unknownExtension(let name) = self { return name }
        return sftpExtension?.rawValue
    }

    var sftpExtension: SFTPExtension? {
        switch self {
        case .posixRename: .posixRename
        case .statvfs: .statvfs
        case .fstatvfs: .fstatvfs
        case .hardlink: .hardlink
        case .fsync: .fsync
        case .lsetstat: .lsetstat
        case .limits: .limits
        case .expandPath: .expandPath
        case .copyData: .copyData
        case .homeDirectory: .homeDirectory
        case .usersGroupsByID: .usersGroupsByID
        default: nil
        }
    }
}
