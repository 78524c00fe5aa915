import CProcess

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The process that speaks with PAM for a server that runs as root. It is started by the server alone, and is no use to
/// anybody who is not root already.
public enum LoginHelper {
    /// What ends as `copilot login-helper …`, where the small program `copilot-login` does not lie beside this one.
    ///
    /// The arguments are taken as bytes from this process's own: they hold another program's command line.
    public static func run() -> Never { exit(login_main(CommandLine.argc - 2, CommandLine.unsafeArgv + 2)) }

    /// How it is started: a program's path, and the first of its arguments.
    static let program: (path: String, arguments: [String]) = {
        var target = [CChar](repeating: 0, count: Int(PATH_MAX))
        let length = readlink("/proc/self/exe", &target, target.count)
        if length > 0 {
            let own = String(decoding: target.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self)
            if let slash = own.lastIndex(of: "/") {
                let beside = "\(own[..<slash])/copilot-login"
                if access(beside, X_OK) == 0 { return (beside, ["copilot-login"]) }
            }
        }
        return ("/proc/self/exe", ["copilot", "login-helper"])
    }()
}
