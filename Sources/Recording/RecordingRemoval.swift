import Foundation

/// Removes a recording for good.
public enum RecordingRemoval {
    /// Writes over the header, where the wrapped key stands, waits until that is on the disk, and removes the file. What
    /// a disk keeps elsewhere of old blocks is beyond a program: what protects there is that the key is wrapped.
    public static func remove(_ path: String) throws(RecordingError) {
        let descriptor = open(path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system(errno, "open the recording", path: path) }
        defer { close(descriptor) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw RecordingError(.busy, "The recording is being written.", hint: "Close the session first.")
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .system(errno, "read the size of", path: path) }
        let most = RecordingFormat.maximumMetadata + RecordingFormat.maximumWrappedKey + 1024
        let blank = [UInt8](repeating: 0, count: min(most, Int(clamping: status.st_size)))
        let count = blank.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) }
        guard count == blank.count, fdatasync(descriptor) == 0 else {
            throw .system(errno, "write over the recording", path: path)
        }
        guard unlink(path) == 0 else { throw .system(errno, "remove the recording", path: path) }
    }
}
