import CProcess
import LocalProcess

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
    /// - Parameter arguments: What follows `copilot login-helper`.
    public static func run(_ arguments: [String]) -> Never {
        guard geteuid() == 0 else { exit(3) }
        switch arguments.first {
        case "check": check()
        case "session" where arguments.count >= 6:
            session(
                service: arguments[1], user: arguments[2], address: arguments[3], executable: arguments[4],
                isLoginShell: arguments[5].hasPrefix("-"), words: Int32(CommandLine.argc) - Int32(arguments.count - 5))
        default: exit(3)
        }
    }

    // MARK: May they come in

    private static func check() -> Never {
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 4096)
        while bytes.count < 16_384 {
            let count = read(0, &piece, piece.count)
            if count <= 0 { break }
            bytes += piece.prefix(count)
        }
        let fields = bytes.split(separator: 0, maxSplits: 4, omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        guard fields.count == 5 else { exit(3) }
        var login: OpaquePointer?
        var answer = login_begin(fields[0], fields[1], fields[2].isEmpty ? nil : fields[2], nil, &login)
        guard answer == login_allowed, let login else { exit(3) }
        if fields[3] == "password" { answer = login_authenticate(login, fields[4]) }
        if answer == login_allowed { answer = login_check_account(login) }
        print(String(cString: login_words(login)).split(separator: "\n").joined(separator: " "), terminator: "")
        fflush(nil)
        login_end(login)
        exit(Int32(answer.rawValue))
    }

    // MARK: The session about a program

    /// - Parameter words: Where in this process's own arguments those of the program begin: they are bytes, not text.
    private static func session(
        service: String, user: String, address: String, executable: String, isLoginShell: Bool, words: Int32
    ) -> Never {
        guard let account = LocalAccount.named(user) else { fail("There is no account \(user).") }
        var login: OpaquePointer?
        let terminal = ttyname(0).map { String(cString: $0) }
        guard login_begin(service, user, address.isEmpty ? nil : address, terminal, &login) == login_allowed, let login
        else { fail("PAM cannot be asked.") }
        let answer = login_open_session(login)
        let said = String(cString: login_words(login))
        guard answer == login_allowed else {
            login_end(login)
            fail("PAM refuses the session. \(said)")
        }
        // The message of the day and the like are for a person who comes to a login shell.
        if terminal != nil, isLoginShell, !said.isEmpty { print(said, terminator: "") }
        fflush(nil)
        addVariables(of: login)
        var (process, descriptor, step): (pid_t, Int32, Int32) = (0, -1, 0)
        let number = account.groups.withUnsafeBufferPointer { groups in
            account.home.withCString { home in
                executable.withCString { executable in
                    var launch = process_launch()
                    launch.executable = executable
                    launch.arguments = UnsafePointer(CommandLine.unsafeArgv + Int(words))
                    launch.environment = process_environment()
                    launch.folder = home
                    "/".withCString { launch.spare_folder = strdup($0).map { UnsafePointer($0) } }
                    (launch.input, launch.output, launch.error) = (0, 1, 2)
                    launch.switches_account = 1
                    launch.user = account.userID
                    launch.group = account.groupID
                    launch.groups = groups.baseAddress
                    launch.group_count = groups.count
                    return process_start(&launch, &process, &descriptor, &step)
                }
            }
        }
        guard number == 0 else {
            login_end(login)
            fail("\(executable) could not be started: \(String(cString: strerror(number))).")
        }
        // The program alone holds the streams: their end is its end.
        for stream in [Int32(0), 1, 2] where terminal == nil { close(stream) }
        var status: Int32 = 0
        let kind = login_wait(process, descriptor, &status)
        login_end(login)
        login_exit_like(kind, status)
        exit(255)
    }

    private static func addVariables(of login: OpaquePointer) {
        guard var list = login_environment(login) else { return }
        while let variable = list.pointee {
            // What the server decided stays.
            let name = String(cString: variable).prefix { $0 != "=" }
            if getenv(String(name)) == nil || name == "PATH" { putenv(variable) }
            list += 1
        }
    }

    private static func fail(_ words: String) -> Never {
        let bytes = Array("\(words)\n".utf8)
        _ = write(2, bytes, bytes.count)
        exit(255)
    }
}
