import SSH
import SSHProtocol

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// What is said while connecting, as much as `-v`, `-q` and `LogLevel` ask for.
public struct ConnectionLog: Sendable {
    /// In the order of ssh_config(5).
    public enum Level: Int, Sendable, Comparable {
        case quiet, fatal, error, information, verbose, debug1, debug2, debug3

        public static func < (one: Level, other: Level) -> Bool { one.rawValue < other.rawValue }

        /// As ssh_config(5) writes it.
        public var name: String {
            switch self {
            case .quiet: "QUIET"
            case .fatal: "FATAL"
            case .error: "ERROR"
            case .information: "INFO"
            case .verbose: "VERBOSE"
            case .debug1: "DEBUG1"
            case .debug2: "DEBUG2"
            case .debug3: "DEBUG3"
            }
        }

        init(named name: String) {
            self =
                switch name.uppercased() {
                case "QUIET": .quiet
                case "FATAL": .fatal
                case "ERROR": .error
                case "VERBOSE": .verbose
                case "DEBUG", "DEBUG1": .debug1
                case "DEBUG2": .debug2
                case "DEBUG3": .debug3
                default: .information
                }
        }
    }

    public let level: Level
    private let descriptor: Int32

    /// - Parameter descriptor: Where it goes; standard error if nothing else is said.
    public init(_ level: Level, descriptor: Int32 = STDERR_FILENO) {
        self.level = level
        self.descriptor = descriptor
    }

    /// As a request and its configuration say. Opens `-E`'s file, which stays open for as long as the process runs.
    init(_ request: ConnectionRequest, _ configuration: SSHConfiguration?) throws(Failure) {
        var level = configuration.map { Level(named: $0.logLevel) } ?? .information
        if request.isQuiet { level = .quiet }
        if request.verbosity > 0 {
            level = Level(rawValue: min(Level.verbose.rawValue + request.verbosity, Level.debug3.rawValue)) ?? .debug3
        }
        guard let path = request.logFile else {
            self.init(level)
            return
        }
        let descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw Failure(
                "The log file \(path) cannot be opened: \(String(cString: strerror(errno))).",
                hint: "Check the path given with -E.", status: .connection)
        }
        self.init(level, descriptor: descriptor)
    }

    /// The same, a step louder or quieter.
    func changed(by step: Int) -> ConnectionLog {
        let value = min(max(level.rawValue + step, Level.quiet.rawValue), Level.debug3.rawValue)
        return ConnectionLog(Level(rawValue: value) ?? level, descriptor: descriptor)
    }

    public func debug(_ text: @autoclosure () -> String, _ at: Level = .debug1) {
        guard level >= at else { return }
        write("debug\(at.rawValue - Level.verbose.rawValue): " + text())
    }

    public func say(_ text: @autoclosure () -> String, _ at: Level = .information) {
        if level >= at { write(text()) }
    }

    /// Each line on its own, whatever the terminal is set to just now.
    private func write(_ text: String) {
        let end = isatty(descriptor) == 1 ? "\r\n" : "\n"
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map {
            Printable.line(String($0)) + end
        }
        PersonTerminal.write(Array(lines.joined().utf8), to: descriptor)
    }
}
