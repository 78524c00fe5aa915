import Foundation

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The memory of a running copilot holds the root key and the credentials of open connections.
enum CoreDumps {
    /// A crash writes no image of the memory, whatever limit the shell or the service file gave.
    static func forbid() {
        var none = rlimit(rlim_cur: 0, rlim_max: 0)
        #if canImport(Glibc)
        _ = setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
        #else
        _ = setrlimit(RLIMIT_CORE, &none)
        #endif
        #if os(Linux)
        // A program that core_pattern pipes an image to is given one whatever the limit: it holds no memory (core(5)).
        try? Data("0".utf8).write(to: URL(fileURLWithPath: "/proc/self/coredump_filter"))
        #endif
    }
}
