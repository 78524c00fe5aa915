import Foundation
import NIOConcurrencyHelpers

struct ToolFailure: Error, CustomStringConvertible {
    var description: String
}

/// A program that a test started, its output in files. Stopped by its own id when nobody holds it any more.
///
/// Not Foundation's `Process`, whose children inherit each other's pipes: a server that holds the end of another test's
/// pipe lets that test wait for ever. A child of this type inherits nothing.
final class Program: Sendable {
    struct Result: Sendable {
        /// 128 and the signal's number after a signal.
        var status: Int32
        var output: [UInt8]
        var errors: String

        var text: String { String(decoding: output, as: UTF8.self) }
    }

    let identifier: pid_t
    private let folder: TemporaryFolder
    private let ending = NIOLockedValueBox<Int32?>(nil)

    /// - Parameters:
    ///   - input: A file for its standard input; nothing without one.
    ///   - environment: In place of variables of the same name.
    init(_ program: String, _ arguments: [String], input: String? = nil, environment: [String: String] = [:]) throws {
        folder = try TemporaryFolder()
        identifier = try Self.spawn(
            program, arguments, input: input ?? "/dev/null", output: folder.file("out"), errors: folder.file("err"),
            environment: ProcessInfo.processInfo.environment.merging(environment) { $1 })
    }

    deinit { stop() }

    var output: [UInt8] { (try? folder.read("out")) ?? [] }
    var errors: String { String(decoding: (try? folder.read("err")) ?? [], as: UTF8.self) }
    var isRunning: Bool { status == nil }

    /// The exit status, or nil while it runs.
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

    /// Waits for its end, which comes by force after `seconds`.
    func finish(within seconds: Double) async throws -> Result {
        guard try await eventually(within: seconds, { !self.isRunning }) else {
            kill(identifier, SIGKILL)
            throw ToolFailure(
                description:
                    "still running after \(seconds) seconds: \(String(decoding: output, as: UTF8.self).suffix(2000)) \(errors.suffix(2000))"
            )
        }
        return Result(status: status ?? -1, output: output, errors: errors)
    }

    /// Runs a program to its end.
    @discardableResult
    static func run(
        _ program: String, _ arguments: [String], input: String? = nil, environment: [String: String] = [:],
        within seconds: Double = 30
    ) async throws -> Result {
        try await Program(program, arguments, input: input, environment: environment).finish(within: seconds)
    }

    /// Runs a tool whose failure is nobody's subject.
    @discardableResult
    static func tool(
        _ program: String, _ arguments: [String], environment: [String: String] = [:], within seconds: Double = 120
    ) async throws -> String {
        let result = try await run(program, arguments, environment: environment, within: seconds)
        guard result.status == 0 else {
            throw ToolFailure(
                description:
                    "\(program) \(arguments.joined(separator: " ")): \(result.text.suffix(2000))\(result.errors.suffix(2000))"
            )
        }
        return result.text
    }

    /// Where a program of the system is, or nil.
    static func find(_ name: String) -> String? {
        ["/usr/bin/", "/usr/sbin/", "/usr/local/bin/", "/bin/", "/sbin/"].map { $0 + name }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    // MARK: Starting

    /// Starts a program with three files for its standard streams, or the write ends of pipes.
    private static func spawn(
        _ program: String, _ arguments: [String], input: String, output: String, errors: String,
        environment: [String: String]
    ) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        return try spawn(program, arguments, &actions, environment: environment)
    }

    /// With the caller's file actions for the streams; everything else is closed in the child.
    static func spawn(
        _ program: String, _ arguments: [String], _ actions: inout posix_spawn_file_actions_t,
        environment: [String: String]
    ) throws -> pid_t {
        closeInherited(&actions)
        // The threads of a test run block signals that a server needs.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        var ignored = sigset_t()
        sigemptyset(&ignored)
        sigaddset(&ignored, SIGPIPE)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &ignored)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        let vector = cStrings([program] + arguments)
        let variables = cStrings(environment.map { "\($0.key)=\($0.value)" })
        defer { for pointer in vector + variables { free(pointer) } }
        var identifier: pid_t = 0
        let error = posix_spawn(&identifier, program, &actions, &attributes, vector, variables)
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

/// Asks again and again until it is true, at most `seconds` long.
func eventually(within seconds: Double = 10, _ condition: () async throws -> Bool) async throws -> Bool {
    let end = ContinuousClock.now + .seconds(seconds)
    while ContinuousClock.now < end {
        if try await condition() { return true }
        try await Task.sleep(for: .milliseconds(5))
    }
    return try await condition()
}
