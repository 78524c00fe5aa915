import CFileCalls
import NIOConcurrencyHelpers
import NIOCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A regular file that `RootedFileSystem` opened.
final class RootedFile: SFTPOpenFile {
    private let descriptor: OpenDescriptor
    private let options: RootedFileSystem.Options
    private let appends: Bool

    init(_ descriptor: OpenDescriptor, options: RootedFileSystem.Options, appends: Bool) {
        self.descriptor = descriptor
        self.options = options
        self.appends = appends
    }

    func read(into buffer: inout ByteBuffer, at offset: UInt64, length: Int) throws(SFTPStatus) -> Int {
        // Beyond what any file can be, there is nothing.
        guard offset <= UInt64(Int64.max) - UInt64(length) else { return 0 }
        do throws(SystemFailure) {
            return try descriptor.read(into: &buffer, at: offset, length: length)
        } catch { throw error.status }
    }

    func write(_ data: ByteBuffer, at offset: UInt64) throws(SFTPStatus) {
        try serving { () throws(SystemFailure) in
            // The system itself puts every write of an appending descriptor at the end.
            try descriptor.write(data, at: appends ? 0 : offset)
        }
    }

    func attributes() throws(SFTPStatus) -> FileAttributes {
        try serving { () throws(SystemFailure) in FileAttributes(try descriptor.information()) }
    }

    func setAttributes(_ attributes: FileAttributes) throws(SFTPStatus) {
        try serving { () throws(SystemFailure) in
            if attributes.owner != nil && !options.allowsOwnerChanges { throw SystemFailure(EPERM) }
            if let size = attributes.size { try descriptor.truncate(to: size) }
            try descriptor.apply(attributes, options)
        }
    }

    func synchronise() throws(SFTPStatus) {
        try serving { () throws(SystemFailure) in _ = try uninterrupted { fsync(descriptor.number) } }
    }

    func statistics() throws(SFTPStatus) -> VolumeStatistics {
        try serving { () throws(SystemFailure) in try volumeStatistics(descriptor) }
    }

    func willRead(at offset: UInt64, length: Int) {
        #if os(Linux)
        guard let offset = off_t(exactly: offset) else { return }
        posix_fadvise(descriptor.number, offset, length, POSIX_FADV_WILLNEED)
        #endif
    }

    func isSame(as other: any SFTPOpenFile) -> Bool {
        guard let other = other as? RootedFile, let ours = try? descriptor.information(),
            let theirs = try? other.descriptor.information()
        else { return false }
        return ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino
    }

    /// At most this much at once, so that a copy that nobody waits for any more ends soon.
    private static let copyStep: UInt64 = 16 << 20

    func copy(
        at offset: UInt64, to target: any SFTPOpenFile, at targetOffset: UInt64, length: UInt64
    ) throws(SFTPStatus) -> UInt64 {
        guard let target = target as? RootedFile, let start = Int64(exactly: offset),
            let targetStart = Int64(exactly: targetOffset)
        else { throw SFTPStatus(.failure, "The files cannot be copied to each other") }
        var (from, to) = (start, targetStart)
        if !target.appends {
            let count = file_copy_range(
                descriptor.number, &from, target.descriptor.number, &to, Int(min(length, Self.copyStep)))
            if count >= 0 { return UInt64(count) }
            guard [ENOSYS, EXDEV, EINVAL, EOPNOTSUPP, EPERM].contains(errno) else { throw SystemFailure.last.status }
        }
        var buffer = ByteBuffer()
        let count = try read(into: &buffer, at: offset, length: Int(min(length, 1 << 20)))
        try target.write(buffer, at: targetOffset)
        return UInt64(count)
    }
}

/// A directory that `RootedFileSystem` opened.
final class RootedListing: SFTPOpenDirectory {
    /// The stream of readdir(3) belongs to this object; the server calls one after another.
    private let stream: NIOLockedValueBox<Stream>

    private struct Stream: @unchecked Sendable {
        // Used under the box's lock alone.
        var pointer: DIRPointer
    }

    init(_ descriptor: OpenDescriptor) throws(SystemFailure) {
        // fdopendir takes its descriptor over, so it gets one of its own.
        let copy = try uninterrupted { fcntl(descriptor.number, F_DUPFD_CLOEXEC, 3) }
        guard let pointer = fdopendir(copy) else {
            let failure = SystemFailure.last
            close(copy)
            throw failure
        }
        stream = NIOLockedValueBox(Stream(pointer: pointer))
    }

    deinit { stream.withLockedValue { _ = closedir($0.pointer) } }

    func next(_ count: Int) throws(SFTPStatus) -> [DirectoryEntry] { entries(count) }

    func entries(_ count: Int) -> [DirectoryEntry] {
        stream.withLockedValue { stream in
            var entries: [DirectoryEntry] = []
            entries.reserveCapacity(count)
            while entries.count < count, let entry = readdir(stream.pointer) {
                if let found = Self.entry(entry, in: dirfd(stream.pointer)) { entries.append(found) }
            }
            return entries
        }
    }

    /// nil for a name that vanished meanwhile.
    private static func entry(_ entry: UnsafeMutablePointer<dirent>, in directory: Int32) -> DirectoryEntry? {
        let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
            pointer.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: pointer.pointee)) {
                pointer in
                Array(UnsafeRawBufferPointer(start: pointer, count: strlen(pointer)))
            }
        }
        var information = stat()
        guard withPath(name, { fstatat(directory, $0, &information, AT_SYMLINK_NOFOLLOW) }) == 0 else { return nil }
        let path = RemotePath(bytes: name)
        return DirectoryEntry(
            name: path, longName: LongName.of(path, information), attributes: FileAttributes(information))
    }
}

#if canImport(Darwin)
typealias DIRPointer = UnsafeMutablePointer<DIR>
#else
typealias DIRPointer = OpaquePointer
#endif
