// OpenSSH's extensions, as its PROTOCOL file describes them (§4).

import NIOCore

/// An extension of OpenSSH by its name on the wire.
public enum SFTPExtension: String, Sendable, Hashable, CaseIterable {
    case posixRename = "posix-rename@openssh.com"
    case statvfs = "statvfs@openssh.com"
    case fstatvfs = "fstatvfs@openssh.com"
    case hardlink = "hardlink@openssh.com"
    case fsync = "fsync@openssh.com"
    case lsetstat = "lsetstat@openssh.com"
    case limits = "limits@openssh.com"
    case expandPath = "expand-path@openssh.com"
    case copyData = "copy-data"
    case homeDirectory = "home-directory"
    case usersGroupsByID = "users-groups-by-id@openssh.com"

    /// The version that is announced for it.
    var version: String {
        switch self {
        case .statvfs, .fstatvfs: "2"
        default: "1"
        }
    }

    /// Changes something at the server.
    var changes: Bool {
        switch self {
        case .posixRename, .hardlink, .fsync, .lsetstat, .copyData: true
        default: false
        }
    }
}

/// How much a server takes at once (limits@openssh.com). Zero means that it does not say.
public struct ServerLimits: Sendable, Hashable {
    public var packet: UInt64
    public var read: UInt64
    public var write: UInt64
    public var handles: UInt64

    public init(packet: UInt64, read: UInt64, write: UInt64, handles: UInt64) {
        self.packet = packet
        self.read = read
        self.write = write
        self.handles = handles
    }

    init(_ reader: inout SFTPReader) throws(SFTPStatus) {
        packet = try reader.uint64()
        read = try reader.uint64()
        write = try reader.uint64()
        handles = try reader.uint64()
    }

    func write(to buffer: inout ByteBuffer) { buffer.writeMultipleIntegers(packet, read, write, handles) }
}

/// A file system's size and room, as statvfs(3) has it.
public struct VolumeStatistics: Sendable, Hashable {
    /// Bytes; `blocks`, `freeBlocks` and `availableBlocks` are counted in fragments.
    public var blockSize: UInt64 = 0
    public var fragmentSize: UInt64 = 0
    public var blocks: UInt64 = 0
    public var freeBlocks: UInt64 = 0
    public var availableBlocks: UInt64 = 0
    public var files: UInt64 = 0
    public var freeFiles: UInt64 = 0
    public var availableFiles: UInt64 = 0
    public var identifier: UInt64 = 0
    /// 1: read-only, 2: set-user-id bits have no effect.
    public var flags: UInt64 = 0
    /// The longest name, in bytes.
    public var maximumName: UInt64 = 0

    public init() {}

    init(_ reader: inout SFTPReader) throws(SFTPStatus) {
        blockSize = try reader.uint64()
        fragmentSize = try reader.uint64()
        blocks = try reader.uint64()
        freeBlocks = try reader.uint64()
        availableBlocks = try reader.uint64()
        files = try reader.uint64()
        freeFiles = try reader.uint64()
        availableFiles = try reader.uint64()
        identifier = try reader.uint64()
        flags = try reader.uint64()
        maximumName = try reader.uint64()
    }

    func write(to buffer: inout ByteBuffer) {
        buffer.writeMultipleIntegers(
            blockSize, fragmentSize, blocks, freeBlocks, availableBlocks, files, freeFiles, availableFiles, identifier,
            flags, maximumName)
    }
}

/// Names for numbers of users and groups, in the order asked for; nil where the server knows none.
public struct AccountNames: Sendable, Hashable {
    public var users: [String?]
    public var groups: [String?]

    public init(users: [String?], groups: [String?]) {
        self.users = users
        self.groups = groups
    }

    init(_ reader: inout SFTPReader) throws(SFTPStatus) {
        users = try Self.names(try reader.slice())
        groups = try Self.names(try reader.slice())
    }

    private static func names(_ list: ByteBuffer) throws(SFTPStatus) -> [String?] {
        var reader = SFTPReader(list)
        var names: [String?] = []
        while reader.remaining > 0 {
            let name = try reader.text()
            names.append(name.isEmpty ? nil : name)
        }
        return names
    }

    func write(to buffer: inout ByteBuffer) {
        for names in [users, groups] {
            var list = ByteBuffer()
            for name in names { list.writeString(of: name ?? "") }
            buffer.writeString(of: list.readableBytesView)
        }
    }
}
