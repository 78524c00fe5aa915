import Foundation

/// What the writer needs of a file. A protocol, so that tests can fill the disk and break it at will.
protocol RecordingDisk: AnyObject, Sendable {
    /// Writes at a position; may write less than asked.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(RecordingError) -> Int
    func truncate(to length: Int64) throws(RecordingError)
    func synchronize() throws(RecordingError)
    func close()
}

extension RecordingDisk {
    /// Writes everything or throws. How much of it then stands in the file is unknown.
    func writeAll(_ bytes: [UInt8], at offset: Int64) throws(RecordingError) {
        var done = 0
        while done < bytes.count {
            let result = bytes.withUnsafeBytes { buffer -> Result<Int, RecordingError> in
                do throws(RecordingError) {
                    let rest = UnsafeRawBufferPointer(rebasing: buffer[done...])
                    return .success(try write(rest, at: offset + Int64(done)))
                } catch {
                    return .failure(error)
                }
            }
            let count = try result.get()
            guard count > 0 else { throw .system(ENOSPC, "write the recording", path: nil) }
            done += count
        }
    }
}

/// A new file of the file system, locked while it is open so that a repair never meets a live writer.
final class FileDisk: RecordingDisk {
    private let descriptor: Int32
    private let path: String

    /// Creates the file with mode 0600; never opens one that is already there, nor through a symbolic link.
    init(creating path: String) throws(RecordingError) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .system(errno, "create the recording", path: path) }
        // A umask can only take bits away; this makes the mode exact.
        guard fchmod(descriptor, 0o600) == 0, flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let number = errno
            Foundation.close(descriptor)
            unlink(path)
            throw .system(number, "lock the recording", path: path)
        }
        self.descriptor = descriptor
        self.path = path
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(RecordingError) -> Int {
        while true {
            let count = pwrite(descriptor, bytes.baseAddress, bytes.count, off_t(offset))
            if count >= 0 { return count }
            guard errno == EINTR else { throw .system(errno, "write the recording", path: path) }
        }
    }

    func truncate(to length: Int64) throws(RecordingError) {
        while ftruncate(descriptor, off_t(length)) != 0 {
            guard errno == EINTR else { throw .system(errno, "shorten the recording", path: path) }
        }
    }

    func synchronize() throws(RecordingError) {
        while fdatasync(descriptor) != 0 {
            guard errno == EINTR else { throw .system(errno, "flush the recording", path: path) }
        }
    }

    /// Makes the name of a new file durable, not just its content.
    func synchronizeFolder() throws(RecordingError) {
        let folder = (path as NSString).deletingLastPathComponent
        let descriptor = open(folder.isEmpty ? "." : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system(errno, "open the folder", path: folder) }
        defer { Foundation.close(descriptor) }
        // Some file systems cannot flush a folder and say so with EINVAL: nothing more can be done there.
        guard fsync(descriptor) == 0 || errno == EINVAL else {
            throw .system(errno, "flush the folder", path: folder)
        }
    }

    func remove() { unlink(path) }

    func close() { Foundation.close(descriptor) }
}

/// An open file for reading by position; closed when the last reader lets go of it.
final class RecordingSource: Sendable {
    private let descriptor: Int32
    let path: String

    init(path: String) throws(RecordingError) {
        descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw .system(errno, "open the recording", path: path) }
        self.path = path
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw .notARecording("it is not a regular file")
        }
    }

    deinit { close(descriptor) }

    func size() throws(RecordingError) -> Int64 {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .system(errno, "read the size of", path: path) }
        return Int64(status.st_size)
    }

    /// Whether a writer in any process holds the file now.
    func isBeingWritten() -> Bool {
        guard flock(descriptor, LOCK_SH | LOCK_NB) == 0 else { return errno == EWOULDBLOCK }
        flock(descriptor, LOCK_UN)
        return false
    }

    /// Up to `count` bytes; fewer only at the end of the file.
    func read(_ count: Int, at offset: Int64) throws(RecordingError) -> [UInt8] {
        guard count > 0, offset >= 0 else { return [] }
        var failure: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                let part = pread(
                    descriptor, buffer.baseAddress.map { $0 + filled }, count - filled, off_t(offset) + off_t(filled))
                if part > 0 {
                    filled += part
                } else if part == 0 {
                    return
                } else if errno != EINTR {
                    failure = errno
                    return
                }
            }
        }
        guard failure == 0 else { throw .system(failure, "read the recording", path: path) }
        return bytes
    }
}
