// File attributes: draft-ietf-secsh-filexfer-02 §5.

import NIOCore

/// What is known, or to be set, of a file. Each field may be absent.
public struct FileAttributes: Sendable, Hashable {
    /// A user's and a group's number; they travel together.
    public struct Owner: Sendable, Hashable {
        public var user: UInt32
        public var group: UInt32

        public init(user: UInt32, group: UInt32) {
            self.user = user
            self.group = group
        }
    }

    /// Last access and last change of the contents, in whole seconds since 1970; they travel together.
    public struct Times: Sendable, Hashable {
        public var accessed: UInt32
        public var modified: UInt32

        public init(accessed: UInt32, modified: UInt32) {
            self.accessed = accessed
            self.modified = modified
        }
    }

    /// What the upper bits of `permissions` say a file is.
    public enum Kind: Sendable, Hashable {
        case regular, directory, symbolicLink, other
    }

    /// Bytes.
    public var size: UInt64?
    public var owner: Owner?
    /// The mode as in POSIX: the file's kind in the upper bits, permissions in the lower twelve.
    public var permissions: UInt32?
    public var times: Times?
    /// Pairs that a vendor added (type, data).
    public var extended: [Extended] = []

    public struct Extended: Sendable, Hashable {
        public var type: [UInt8]
        public var data: [UInt8]
    }

    public init(
        size: UInt64? = nil, owner: Owner? = nil, permissions: UInt32? = nil, times: Times? = nil
    ) {
        self.size = size
        self.owner = owner
        self.permissions = permissions
        self.times = times
    }

    /// nil when the server did not say.
    public var kind: Kind? {
        guard let permissions else { return nil }
        switch permissions & 0o170000 {
        case 0o100000: return .regular
        case 0o040000: return .directory
        case 0o120000: return .symbolicLink
        default: return .other
        }
    }

    /// Read, write and execute for user, group and others, without the bits that give away a user's or group's identity.
    public var safeMode: UInt32? { permissions.map { $0 & 0o777 } }
}

extension FileAttributes {
    private enum Flag {
        static let size: UInt32 = 0x1
        static let owner: UInt32 = 0x2
        static let permissions: UInt32 = 0x4
        static let times: UInt32 = 0x8
        static let extended: UInt32 = 0x8000_0000
    }

    /// More pairs than anybody sends.
    private static let maximumExtended = 64

    init(_ reader: inout SFTPReader) throws(SFTPStatus) {
        let flags = try reader.uint32()
        if flags & Flag.size != 0 { size = try reader.uint64() }
        if flags & Flag.owner != 0 { owner = Owner(user: try reader.uint32(), group: try reader.uint32()) }
        if flags & Flag.permissions != 0 { permissions = try reader.uint32() }
        if flags & Flag.times != 0 { times = Times(accessed: try reader.uint32(), modified: try reader.uint32()) }
        guard flags & Flag.extended != 0 else { return }
        let count = try reader.count(minimumSize: 8)
        guard count <= Self.maximumExtended else { throw reader.malformed("too many attributes") }
        for _ in 0..<count {
            extended.append(Extended(type: try reader.bytes(), data: try reader.bytes()))
        }
    }

    func write(to buffer: inout ByteBuffer) {
        var flags: UInt32 = 0
        if size != nil { flags |= Flag.size }
        if owner != nil { flags |= Flag.owner }
        if permissions != nil { flags |= Flag.permissions }
        if times != nil { flags |= Flag.times }
        if !extended.isEmpty { flags |= Flag.extended }
        buffer.writeInteger(flags)
        if let size { buffer.writeInteger(size) }
        if let owner { buffer.writeMultipleIntegers(owner.user, owner.group) }
        if let permissions { buffer.writeInteger(permissions) }
        if let times { buffer.writeMultipleIntegers(times.accessed, times.modified) }
        guard !extended.isEmpty else { return }
        buffer.writeInteger(UInt32(clamping: extended.count))
        for pair in extended {
            buffer.writeString(of: pair.type)
            buffer.writeString(of: pair.data)
        }
    }
}
