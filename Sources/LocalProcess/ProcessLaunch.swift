#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A program to be started.
///
/// ```swift
/// let launch = ProcessLaunch("/bin/sh", ["sh", "-c", "make test"], environment: ["PATH": "/usr/bin:/bin"])
/// ```
public struct ProcessLaunch: Sendable {
    /// Where what the program says on its standard error goes.
    public enum ErrorOutput: Sendable, Hashable {
        /// To `error`, apart from the output.
        case separate
        /// Into the output.
        case merged
        /// To this process's own standard error.
        case inherited
    }

    /// A path, or a name that is looked up in the PATH of `environment`.
    public var executable: String
    /// With the program's own name for itself as the first one.
    public var arguments: [String] {
        get { argumentBytes.map { String(decoding: $0, as: UTF8.self) } }
        set { argumentBytes = newValue.map { Array($0.utf8) } }
    }
    /// The same as bytes: not every name of a file is text.
    public var argumentBytes: [[UInt8]]
    /// All of it: nothing is inherited.
    public var environment: [String: String]
    /// Where it starts; nil: where this process is.
    public var folder: String?
    /// Where it starts when it cannot enter `folder`; nil makes that an error.
    public var spareFolder: String?
    /// nil: three streams without a terminal. With one, output and errors are one stream.
    public var terminal: PseudoTerminal.Setup?
    /// nil: the account of this process. Only root may name another one.
    public var account: LocalAccount?
    /// The environment variable that gets the terminal's name, such as "SSH_TTY".
    public var terminalVariable: String?
    /// Who owns the terminal, where that is not `account`.
    public var terminalOwner: LocalAccount?
    /// Without a terminal of its own. A program that shall ask the person at our terminal, as a ProxyCommand may, stays in
    /// our session and process group; signals then reach it alone.
    public var staysInOurSession = false
    public var errorOutput = ErrorOutput.separate
    /// The soft limit of open files; nil: that of this process.
    public var descriptorLimit: UInt64?

    public init(
        _ executable: String, _ arguments: [String], environment: [String: String], folder: String? = nil,
        terminal: PseudoTerminal.Setup? = nil, account: LocalAccount? = nil
    ) {
        self.executable = executable
        argumentBytes = arguments.map { Array($0.utf8) }
        self.environment = environment
        self.folder = folder
        self.terminal = terminal
        self.account = account
    }

    /// The program's path. execvp(3)'s way, before the fork.
    func path() throws(LocalProcessError) -> String {
        if executable.contains("/") { return executable }
        for folder in (environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin").split(separator: ":") {
            let path = "\(folder)/\(executable)"
            if access(path, X_OK) == 0 { return path }
        }
        throw .notFound(executable)
    }

    /// Every text as C takes it.
    func check() throws(LocalProcessError) {
        let texts = [executable, folder ?? ""] + environment.keys + environment.values
        guard !texts.contains(where: { $0.utf8.contains(0) }), !argumentBytes.contains(where: { $0.contains(0) }) else {
            throw .malformed("a text of it holds a zero byte")
        }
        guard !argumentBytes.isEmpty else { throw .malformed("it has no name in its arguments") }
        guard !environment.keys.contains(where: { $0.isEmpty || $0.contains("=") }) else {
            throw .malformed("a variable of its environment has no proper name")
        }
    }
}

/// How a program ended.
public enum ProcessExit: Sendable, Hashable {
    /// By itself, 0 to 255.
    case status(Int32)
    /// By a signal of this number.
    case signal(Int32, coreDumped: Bool)
}

/// What a program writes to.
public enum ProcessStream: Sendable, Hashable {
    case output
    case error
}
