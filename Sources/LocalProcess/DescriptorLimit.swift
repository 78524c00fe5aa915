import NIOConcurrencyHelpers

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The limit of open files: a server takes all that it may have, its programs get what they would have had without it.
public enum DescriptorLimit {
    private static let before = NIOLockedValueBox<UInt64?>(nil)

    /// What the soft limit was before it was raised; nil when it was not.
    public static var inherited: UInt64? { before.withLockedValue { $0 } }

    /// Raises the soft limit to the hard one.
    public static func raise() {
        var limit = rlimit()
        #if canImport(Glibc)
        let files = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #else
        let files = RLIMIT_NOFILE
        #endif
        guard getrlimit(files, &limit) == 0, limit.rlim_cur < limit.rlim_max else { return }
        let soft = UInt64(limit.rlim_cur)
        limit.rlim_cur = limit.rlim_max
        if setrlimit(files, &limit) == 0 { before.withLockedValue { $0 = $0 ?? soft } }
    }
}
