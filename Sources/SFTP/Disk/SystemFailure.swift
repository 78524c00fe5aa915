#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A call of the system that failed, by its errno.
struct SystemFailure: Error, Hashable {
    var code: Int32

    init(_ code: Int32) { self.code = code }

    /// Of the call that just failed on this thread.
    static var last: SystemFailure { SystemFailure(errno) }

    var words: String { String(cString: strerror(code)) }

    /// As a server tells it. EXDEV and ELOOP are how the kernel refuses a path that leads out of the root.
    var status: SFTPStatus {
        switch code {
        case ENOENT, ENOTDIR, EBADF: SFTPStatus(.noSuchFile, words)
        case EPERM, EACCES, EFAULT, EROFS: SFTPStatus(.permissionDenied, words)
        case EXDEV: SFTPStatus(.permissionDenied, "The path leads out of the shared folder")
        case ELOOP: SFTPStatus(.noSuchFile, words)
        case EINVAL, ENAMETOOLONG: SFTPStatus(.badMessage, words)
        case ENOSYS, EOPNOTSUPP: SFTPStatus(.unsupported, words)
        default: SFTPStatus(.failure, words)
        }
    }
}

/// Repeats a call that a signal interrupted.
func uninterrupted<T: SignedInteger>(_ call: () -> T) throws(SystemFailure) -> T {
    while true {
        let result = call()
        if result >= 0 { return result }
        guard errno == EINTR else { throw .last }
    }
}
