import Foundation
import NIOConcurrencyHelpers

struct ToolFailure: Error, CustomStringConvertible {
    var description: String
}

/// A program that a test started, with its output in a file. Stopped by its own id when the test is over.
///
/// Not Foundation's `Process`: programs that are started at the same time inherit each other's pipes from it, and a server
/// that holds the end of another test's pipe lets that test wait for ever. A child of this type inherits nothing.
final class ChildProcess: Sendable {
    let identifier: pid_t
    let log: String
    private let ending = NIOLockedValueBox<Int32?>(nil)

    init(_ program: String, _ arguments: [String], log: String) throws {
        self.log = log
        identifier = try Self.spawn(program, arguments, log: log)
    }

    deinit { stop() }

    var output: String { (try? String(contentsOfFile: log, encoding: .utf8)) ?? "" }

    var isRunning: Bool { status == nil }

    /// The exit status (128 and the signal's number after a signal), or nil while it runs.
    var status: Int32? {
        ending.withLockedValue { ending in
            if let ending { return ending }
            var status: Int32 = 0
            guard waitpid(identifier, &status, WNOHANG) == identifier else { return nil }
            let signal = status & 0x7F
            ending = signal == 0 ? status >> 8 & 0xFF : 128 + signal
            return ending
        }
    }

    /// Ends it and collects it.
    func stop() {
        guard isRunning else { return }
        kill(identifier, SIGTERM)
        for _ in 0..<200 where isRunning { usleep(5000) }
        if isRunning { kill(identifier, SIGKILL) }
    }

    /// Runs a program to its end and returns what it wrote.
    @discardableResult
    static func run(_ program: String, _ arguments: [String]) throws -> String {
        let folder = try TemporaryFolder()
        let process = try ChildProcess(program, arguments, log: folder.file("log"))
        while process.isRunning { usleep(1000) }
        guard process.status == 0 else {
            throw ToolFailure(
                description: "\(program) \(arguments.joined(separator: " ")) failed: \(process.output)")
        }
        return process.output
    }

    private static func spawn(_ program: String, _ arguments: [String], log: String) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        closeInherited(&actions)

        // The threads of a test run block signals that a server needs.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))

        let vector = cStrings([program] + arguments)
        let environment = cStrings(ProcessInfo.processInfo.environment.map { "\($0.key)=\($0.value)" })
        defer { for pointer in vector + environment { free(pointer) } }
        var identifier: pid_t = 0
        let error = posix_spawn(&identifier, program, &actions, &attributes, vector, environment)
        guard error == 0 else {
            throw ToolFailure(description: "\(program) did not start: \(String(cString: strerror(error)))")
        }
        return identifier
    }

    private static func cStrings(_ texts: [String]) -> [UnsafeMutablePointer<CChar>?] {
        texts.map { strdup($0) } + [nil]
    }

    /// Closes everything from descriptor 3 on in the child. The function is in glibc from 2.34 on and not in the headers
    /// that Swift sees.
    private static func closeInherited(_ actions: inout posix_spawn_file_actions_t) {
        typealias AddCloseFrom =
            @convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, CInt) -> CInt
        guard let symbol = dlsym(nil, "posix_spawn_file_actions_addclosefrom_np") else { return }
        _ = unsafeBitCast(symbol, to: AddCloseFrom.self)(&actions, 3)
    }
}
