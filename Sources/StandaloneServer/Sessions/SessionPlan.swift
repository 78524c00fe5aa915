import LocalProcess
import SFTP
import SSH

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// What a session is to be: decided from what the client asks for, the key's options and the server's settings.
enum SessionPlan {
    case program(ProcessLaunch)
    /// SFTP within this process.
    case files(root: String, home: RemotePath, isReadOnly: Bool)
    /// Why not, for the log.
    case refused(String)

    /// The program of this process, which a child can execute whatever folders lead to it.
    static let ourselves = "/proc/self/exe"

    init(_ visit: Visit, _ info: SSHServerSessionInfo, _ settings: ServerSettings) {
        var planner = Planner(visit: visit, info: info, settings: settings)
        self = planner.plan()
    }

    /// Whether files are served by a process of the account's own.
    static func needsOwnProcess(_ account: LocalAccount) -> Bool { geteuid() == 0 && account.userID != 0 }
}

private struct Planner {
    let visit: Visit
    let info: SSHServerSessionInfo
    let settings: ServerSettings
    private var environment: [String: String] = [:]

    init(visit: Visit, info: SSHServerSessionInfo, settings: ServerSettings) {
        self.visit = visit
        self.info = info
        self.settings = settings
    }

    private var account: LocalAccount { visit.welcome.account }

    mutating func plan() -> SessionPlan {
        environment = LoginEnvironment.make(visit, info)
        // A key that is for one command alone is for no application.
        if let forced = visit.welcome.permissions.forcedCommand { return plan(forced: forced) }
        if case .application(let application, _) = visit.welcome.place { return plan(application) }
        switch info.program {
        case .subsystem("sftp"): return files()
        case .subsystem(let name): return .refused("there is no subsystem \(name)")
        case .exec(let command): return plan(command: command)
        case .shell:
            guard !settings.refusesPrograms else { return .refused("shells are not served (--no-exec)") }
            return .program(shell())
        }
    }

    // MARK: Programs

    private func launch(_ executable: String, _ arguments: [[UInt8]]) -> ProcessLaunch {
        var launch = ProcessLaunch(executable, [], environment: environment, folder: account.home, account: account)
        launch.argumentBytes = arguments
        launch.spareFolder = "/"
        launch.terminalVariable = "SSH_TTY"
        launch.descriptorLimit = DescriptorLimit.inherited
        if let terminal = info.terminal {
            launch.terminal = PseudoTerminal.Setup(
                size: PseudoTerminal.Size(terminal),
                modes: terminal.modes.values.map { .init(opcode: $0.opcode, argument: $0.argument) })
        }
        return launch
    }

    /// By a dash before its name a shell knows that it is a login shell.
    private func shell() -> ProcessLaunch { launch(account.shell, [Array("-\(shellName)".utf8)]) }

    private func command(_ command: [UInt8]) -> ProcessLaunch {
        launch(account.shell, [Array(shellName.utf8), Array("-c".utf8), command])
    }

    private var shellName: String { String(account.shell.split(separator: "/").last ?? "sh") }

    private func plan(command: [UInt8]) -> SessionPlan {
        guard !command.contains(0) else { return .refused("a command with a zero byte") }
        let text = String(decoding: command, as: UTF8.self)
        if let scp = SCPCommand(text), servesSCP(scp) { return .program(helper(["--scp", text])) }
        guard !settings.refusesPrograms else { return .refused("commands are not served (--no-exec)") }
        return .program(self.command(command))
    }

    /// By ourselves where the machine's own program would leave the folder that files are served from, or is not there.
    private func servesSCP(_ command: SCPCommand) -> Bool {
        if settings.refusesPrograms || settings.sftpRoot != nil { return true }
        let programs: [String] = ["/usr/local/bin/scp", "/usr/bin/scp", "/bin/scp"]
        return !programs.contains { path in access(path, X_OK) == 0 }
    }

    private mutating func plan(forced: String) -> SessionPlan {
        switch info.program {
        case .exec(let command): environment["SSH_ORIGINAL_COMMAND"] = text(command)
        case .subsystem("sftp"): environment["SSH_ORIGINAL_COMMAND"] = "internal-sftp"
        case .subsystem(let name): environment["SSH_ORIGINAL_COMMAND"] = name
        case .shell: break
        }
        // As sshd understands it: files and nothing else, by the server itself.
        let words = forced.split(separator: " ")
        if words.first == "internal-sftp" {
            guard info.program == .subsystem("sftp") else { return .refused("this key is for files alone") }
            guard let isReadOnly = FileServerOptions.isReadOnly(words.dropFirst().map(String.init)) else {
                return .refused("the key's internal-sftp has options that are not served here")
            }
            return files(isReadOnly: isReadOnly)
        }
        guard !settings.refusesPrograms else { return .refused("commands are not served (--no-exec)") }
        return .program(command(Array(forced.utf8)))
    }

    private mutating func plan(_ application: ServerSettings.Application) -> SessionPlan {
        switch info.program {
        case .exec(let command):
            guard !command.contains(0) else { return .refused("a command with a zero byte") }
            environment["SSH_ORIGINAL_COMMAND"] = text(command)
        case .shell: break
        case .subsystem: return .refused("an application has no subsystems")
        }
        return .program(launch("/bin/sh", ["sh", "-c", application.program].map { Array($0.utf8) }))
    }

    /// A variable holds no zero byte.
    private func text(_ command: [UInt8]) -> String {
        String(decoding: command.prefix { $0 != 0 }, as: UTF8.self)
    }

    // MARK: Files

    private func files(isReadOnly: Bool = false) -> SessionPlan {
        guard SessionPlan.needsOwnProcess(account) else {
            let home = settings.sftpRoot == nil ? account.home : "/"
            return .files(root: settings.sftpRoot ?? "/", home: RemotePath(home), isReadOnly: isReadOnly)
        }
        return .program(helper(isReadOnly ? ["--read-only"] : []))
    }

    /// Files served by a process of the account, which has the account's rights and no others.
    private func helper(_ arguments: [String]) -> ProcessLaunch {
        var words = ["copilot", "sftp-server"] + arguments
        words += settings.sftpRoot.map { ["--root", $0] } ?? ["--home", account.home]
        var launch = launch(SessionPlan.ourselves, words.map { Array($0.utf8) })
        launch.terminal = nil
        return launch
    }
}

extension PseudoTerminal.Size {
    init(_ terminal: SSHServerTerminal) {
        self.init(columns: terminal.columns, rows: terminal.rows, width: terminal.width, height: terminal.height)
    }
}
