import LocalProcess
import NIOCore
import NIOPosix

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The system's PAM, asked by a short-lived process of ours: modules may change what belongs to the whole process, wait,
/// or crash. Sessions get one of their own too, which opens the session as root, becomes the account for the program and
/// closes the session behind it.
struct PAMService: Sendable {
    /// The name of the file in /etc/pam.d.
    let name: String

    private static let folder = "/etc/pam.d"
    /// All that root's process has in its environment: what an account says in its own would make modules do things as root.
    private static let environment = ["PATH": "/usr/bin:/bin"]
    /// Before the names of the program's variables on their way through that process, where nobody looks for such names.
    private static let prefix = "SESSION:"

    /// Ours where there is one, else that of sshd; nil where the system has neither.
    static func find() -> PAMService? {
        guard dlopen("libpam.so.0", RTLD_LAZY) != nil else { return nil }
        return ["copilot-ssh-server", "sshd"].first { access("\(folder)/\($0)", R_OK) == 0 }.map {
            PAMService(name: $0)
        }
    }

    enum Answer: Sendable {
        case allowed
        case refused(String)
    }

    /// Asks whether the account may come in, and with a password whether that is right.
    ///
    /// - Parameters:
    ///   - account: nil for nobody: PAM is asked all the same, about a name that does not exist, and takes its time.
    ///   - password: nil where a key has proved who it is.
    ///   - address: Of the client.
    func check(_ account: String?, password: [UInt8]?, from address: String?) async -> Answer {
        if let password, password.contains(0) || password.count > 1024 { return .refused("wrong password") }
        var request = ByteBuffer()
        for field in [name, account ?? "NOUSER", address ?? "", password == nil ? "account" : "password"] {
            request.writeString(field)
            request.writeInteger(UInt8(0))
        }
        request.writeBytes(password ?? [])
        do {
            let launch = ProcessLaunch(
                LoginHelper.program.path, LoginHelper.program.arguments + ["check"],
                environment: Self.environment, folder: "/")
            let helper = try await LocalProcess.start(launch)
            try await helper.write(request)
            helper.closeInput()
            let words = await helper.output.text(limit: 4096).split(whereSeparator: \.isNewline).joined(separator: " ")
            guard case .status(let status) = await helper.waitForExit() else { return .refused("PAM's process failed") }
            switch status {
            case 0 where account != nil: return .allowed
            case 2: return .refused("the password has expired")
            case 3: return .refused("PAM cannot be asked")
            default: return .refused(words.isEmpty ? "PAM refuses" : "PAM refuses: \(words)")
            }
        } catch {
            return .refused("PAM cannot be asked: \(error)")
        }
    }

    /// The launch of a program with a PAM session about it.
    func wrap(_ launch: ProcessLaunch, _ account: LocalAccount, from address: String?) -> ProcessLaunch {
        var wrapped = launch
        wrapped.executable = LoginHelper.program.path
        // Within that process /proc/self would be its own.
        let executable = launch.executable == SessionPlan.ourselves ? "/proc/\(getpid())/exe" : launch.executable
        let words = ["session", name, account.name, address ?? "", executable]
        wrapped.argumentBytes =
            (LoginHelper.program.arguments + words).map { Array($0.utf8) } + launch.argumentBytes
        wrapped.environment = Self.environment
        for (name, value) in launch.environment { wrapped.environment[Self.prefix + name] = value }
        wrapped.terminalVariable = launch.terminalVariable.map { Self.prefix + $0 }
        wrapped.folder = "/"
        wrapped.account = nil
        wrapped.terminalOwner = account
        return wrapped
    }
}
