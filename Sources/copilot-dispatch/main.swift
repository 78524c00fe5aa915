import SSHDispatch

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

// sshd waits for this program at each key that a client offers: it links only what it needs.
exit(DispatchCommand.run(Array(CommandLine.arguments.dropFirst())))
