import SSHApplications

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

// `hello --listen PORT --host-key FILE --keys FILE` serves it by itself; without options it is one visit on the standard
// streams, for sshd.
exit(await ApplicationProgram.run(Hello(), name: "hello"))
