// The client's open files and directories. Handles are numbers that are never given out twice, so that one that was
// closed cannot come to mean another file.

import NIOCore

struct HandleTable {
    enum Item {
        case file(any SFTPOpenFile)
        case directory(any SFTPOpenDirectory)
    }

    struct Entry {
        var item: Item
        var path: RemotePath
        var reads = true
        var writes = false
        var bytesRead: UInt64 = 0
        var bytesWritten: UInt64 = 0
    }

    private var entries: [UInt64: Entry] = [:]
    private var last: UInt64 = 0

    var count: Int { entries.count }

    mutating func insert(_ entry: Entry) -> SFTPHandle {
        last += 1
        entries[last] = entry
        return SFTPHandle(bytes: withUnsafeBytes(of: last.bigEndian) { Array($0) })
    }

    /// nil for what was never a handle or is one no more.
    subscript(handle: SFTPHandle) -> Entry? {
        get { Self.number(handle).flatMap { entries[$0] } }
        set { if let number = Self.number(handle) { entries[number] = newValue } }
    }

    mutating func remove(_ handle: SFTPHandle) -> Entry? {
        Self.number(handle).flatMap { entries.removeValue(forKey: $0) }
    }

    mutating func removeAll() -> [Entry] {
        defer { entries = [:] }
        return entries.sorted { $0.key < $1.key }.map(\.value)
    }

    private static func number(_ handle: SFTPHandle) -> UInt64? {
        guard handle.bytes.count == 8 else { return nil }
        return handle.bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }
}
