import CFileCalls
import NIOCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// An open file of this machine. It is closed when nobody holds it any more. Its calls block: never on an event loop.
final class OpenDescriptor: Sendable {
    let number: Int32

    /// - Parameter number: Taken over.
    init(_ number: Int32) { self.number = number }

    deinit { close(number) }

    func information() throws(SystemFailure) -> stat {
        var information = stat()
        _ = try uninterrupted { fstat(number, &information) }
        return information
    }

    /// Appends up to `length` bytes from `offset` to `buffer`; less than that only at the file's end.
    @discardableResult
    func read(into buffer: inout ByteBuffer, at offset: UInt64, length: Int) throws(SystemFailure) -> Int {
        var done = 0
        while done < length {
            guard let position = off_t(exactly: offset &+ UInt64(done)), offset <= UInt64(off_t.max) else {
                throw SystemFailure(EINVAL)
            }
            var outcome = 0
            buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: length - done) { space in
                outcome = pread(number, space.baseAddress, min(space.count, length - done), position)
                return max(0, outcome)
            }
            if outcome == 0 { break }
            if outcome < 0 {
                guard errno == EINTR else { throw .last }
                continue
            }
            done += outcome
        }
        return done
    }

    /// Writes all of it at `offset`.
    func write(_ data: ByteBuffer, at offset: UInt64) throws(SystemFailure) {
        guard offset <= UInt64(off_t.max) - UInt64(data.readableBytes) else { throw SystemFailure(EFBIG) }
        var done = 0
        while done < data.readableBytes {
            let outcome = data.withUnsafeReadableBytes { bytes in
                pwrite(number, bytes.baseAddress?.advanced(by: done), bytes.count - done, off_t(offset) + off_t(done))
            }
            if outcome < 0 {
                guard errno == EINTR else { throw .last }
                continue
            }
            guard outcome > 0 else { throw SystemFailure(EIO) }
            done += outcome
        }
    }

    func truncate(to size: UInt64) throws(SystemFailure) {
        guard let size = off_t(exactly: size) else { throw SystemFailure(EFBIG) }
        _ = try uninterrupted { ftruncate(number, size) }
    }

    /// Sets permissions, also of a descriptor that only names its file.
    func setMode(_ mode: mode_t) throws(SystemFailure) {
        if fchmod(number, mode) == 0 { return }
        guard errno == EBADF else { throw .last }
        _ = try uninterrupted { chmod("/proc/self/fd/\(number)", mode) }
    }

    func setTimes(_ times: FileAttributes.Times) throws(SystemFailure) {
        let values = times.specifications
        if futimens(number, values) == 0 { return }
        guard errno == EBADF else { throw .last }
        _ = try uninterrupted { utimensat(AT_FDCWD, "/proc/self/fd/\(number)", values, 0) }
    }

    func setOwner(_ owner: FileAttributes.Owner) throws(SystemFailure) {
        if fchown(number, owner.user, owner.group) == 0 { return }
        guard errno == EBADF else { throw .last }
        _ = try uninterrupted { chown("/proc/self/fd/\(number)", owner.user, owner.group) }
    }

    /// The next stretch of data at or after `offset`; nil when only a hole follows. Where the file system knows no
    /// holes, everything is data.
    func nextData(from offset: UInt64, size: UInt64) -> Range<UInt64>? {
        guard offset < size else { return nil }
        guard file_seek_data >= 0, let position = off_t(exactly: offset) else { return offset..<size }
        let start = lseek(number, position, file_seek_data)
        if start < 0 { return errno == ENXIO ? nil : offset..<size }
        let end = lseek(number, start, file_seek_hole)
        // What was appended meanwhile is not looked at.
        guard UInt64(start) < size else { return nil }
        guard end > start else { return UInt64(start)..<size }
        return UInt64(start)..<min(size, UInt64(end))
    }
}

extension FileAttributes.Times {
    var specifications: [timespec] {
        [timespec(tv_sec: time_t(accessed), tv_nsec: 0), timespec(tv_sec: time_t(modified), tv_nsec: 0)]
    }
}

extension FileAttributes {
    init(_ information: stat) {
        self.init(
            size: UInt64(clamping: information.st_size),
            owner: Owner(user: information.st_uid, group: information.st_gid),
            permissions: UInt32(information.st_mode),
            times: Times(
                accessed: UInt32(clamping: information.lastAccess), modified: UInt32(clamping: information.lastChange)))
    }
}

extension stat {
    #if canImport(Darwin)
    var lastAccess: Int { st_atimespec.tv_sec }
    var lastChange: Int { st_mtimespec.tv_sec }
    #else
    var lastAccess: Int { st_atim.tv_sec }
    var lastChange: Int { st_mtim.tv_sec }
    #endif

    var isRegular: Bool { st_mode & S_IFMT == S_IFREG }
    var isDirectory: Bool { st_mode & S_IFMT == S_IFDIR }
    var isSymbolicLink: Bool { st_mode & S_IFMT == S_IFLNK }
}
