import SSHTools

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The terminal of a client, as this process sees it.
enum ControlTerminal {
    /// Whether the descriptors can be read and written from here.
    ///
    /// A shim that was put into the background of the very terminal that a client brings would be stopped at its first key:
    /// it gives that terminal up for good. It was for questions alone, and the connection stands.
    static func isUsable(_ descriptors: [Int32]) -> Bool {
        for descriptor in descriptors where isatty(descriptor) == 1 {
            // Fails for every terminal but the one that controls this process.
            let foreground = tcgetpgrp(descriptor)
            guard foreground >= 0, foreground != getpgrp() else { continue }
            // Whoever leads the session would take the terminal from everybody in it.
            guard getsid(0) != getpid(), ioctl(descriptor, UInt(TIOCNOTTY)) == 0 else { return false }
        }
        return true
    }
}
