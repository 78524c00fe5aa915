import SFTP
import Storage

/// A file or folder at a host as the faces show it. Everything in it is the host's word.
public struct FileEntry: Sendable, Encodable, Hashable {
    public enum Kind: String, Sendable, Encodable {
        case file
        case folder
        case link
        /// A device, a socket, a pipe.
        case other

        init(_ kind: FileAttributes.Kind?) {
            switch kind {
            case .directory: self = .folder
            case .symbolicLink: self = .link
            case .other: self = .other
            // A server that does not say what it is can still be asked for the contents.
            case .regular, nil: self = .file
            }
        }
    }

    /// As text; what is no UTF-8 is replaced. Only to be shown.
    public let name: String
    public let path: String
    /// The path byte for byte, percent-encoded: what a request's `path` takes.
    public let encoded: String
    public let kind: Kind
    /// Bytes; null where the host does not say, or for what has no size.
    public let size: UInt64?
    public let modified: String?
    /// Four octal digits.
    public let mode: String?
    public var owner: String?
    public var group: String?
    /// Where a link points, as it stands there.
    public var target: String?
    /// What a link leads to; null when it leads nowhere.
    public var targetKind: Kind?
    /// Changes when the file does: seconds of its last change, and its size. For `If-Match`.
    public let version: String?
    let location: RemotePath

    init(_ path: RemotePath, _ attributes: FileAttributes) {
        location = path
        name = path.bytes == [UInt8(ascii: "/")] ? "/" : path.lastComponent.text
        self.path = path.text
        encoded = path.percentEncoded
        kind = Kind(attributes.kind)
        size = kind == .file ? attributes.size : nil
        modified = attributes.times.map { Timestamp(microseconds: Int64($0.modified) * 1_000_000).iso8601 }
        mode = attributes.permissions.map { Self.octal($0 & 0o7777) }
        owner = attributes.owner.map { String($0.user) }
        group = attributes.owner.map { String($0.group) }
        version = attributes.version
    }

    private static func octal(_ mode: UInt32) -> String {
        let digits = String(mode, radix: 8)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }

    private enum CodingKeys: String, CodingKey {
        case name, path, encoded, kind, size, modified, mode, owner, group, target, targetKind, version
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        try container.encode(path, forKey: .path)
        try container.encode(encoded, forKey: .encoded)
        try container.encode(kind, forKey: .kind)
        try container.encode(size, forKey: .size)
        try container.encode(modified, forKey: .modified)
        try container.encode(mode, forKey: .mode)
        try container.encode(owner, forKey: .owner)
        try container.encode(group, forKey: .group)
        try container.encode(target, forKey: .target)
        try container.encode(targetKind, forKey: .targetKind)
        try container.encode(version, forKey: .version)
    }
}

extension FileAttributes {
    /// What tells two states of a file apart without reading it.
    var version: String? {
        guard let times, let size else { return nil }
        return "\(times.modified)-\(size)"
    }

    /// Without what a vendor added, which may be large.
    var plain: FileAttributes { FileAttributes(size: size, owner: owner, permissions: permissions, times: times) }
}

/// One page of a folder.
public struct FileListing: Sendable, Encodable {
    /// The folder, absolute.
    public let path: String
    public let encoded: String
    /// The folder above, percent-encoded; null at the root.
    public let parent: String?
    /// Folders first, then by name.
    public let entries: [FileEntry]
    /// Names in the folder, as far as they were read.
    public let total: Int
    /// Names that could not be shown, since joined to a path they would lead elsewhere.
    public let skipped: Int
    /// The folder has more names than are read.
    public let truncated: Bool
    /// For the next page; null at the end.
    public let next: String?
    public let mayWrite: Bool

    private enum CodingKeys: String, CodingKey {
        case path, encoded, parent, entries, total, skipped, truncated, next, mayWrite
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(path, forKey: .path)
        try container.encode(encoded, forKey: .encoded)
        try container.encode(parent, forKey: .parent)
        try container.encode(entries, forKey: .entries)
        try container.encode(total, forKey: .total)
        try container.encode(skipped, forKey: .skipped)
        try container.encode(truncated, forKey: .truncated)
        try container.encode(next, forKey: .next)
        try container.encode(mayWrite, forKey: .mayWrite)
    }
}

/// Which part of a folder is asked for.
public struct FilePage: Sendable {
    /// From ``FileListing/next``; nil begins.
    public var cursor: String?
    /// Names at most.
    public var limit: Int

    public init(cursor: String? = nil, limit: Int = 1000) {
        self.cursor = cursor
        self.limit = limit
    }
}
