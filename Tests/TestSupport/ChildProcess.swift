import Foundation
import Synchronization

/// Why a program that a test needs did not do its work.
public struct ToolFailure: Error, CustomStringConvertible {
    public var description: String

    public init(description: String) { self.description = description }
}

/// A program that a test started, with its output in files. Told to end, by its own id, when nobody holds it any more.
///
/// Not Foundation's `Process`: programs that are started at the same time inherit each other's pipes from it, and a server
/// that holds the end of another test's pipe lets that test wait for ever. A child of this type inherits nothing. Nothing
/// here waits on a thread: the tests' threads are few, and what they test needs them.
public final class ChildProcess: Sendable {
    /// How a program ended, and what it wrote.
    public struct Outcome: Sendable {
        /// 128 and the signal's number after a signal.
        public var status: Int32
        public var output: [UInt8]
        /// Empty when both streams went to one log.
        public var errors: String

        public var text: String { String(decoding: output, as: UTF8.self) }
    }

    public let identifier: pid_t
    private let folder: TemporaryFolder
    private let outputPath: String
    private let errorPath: String?
    private let ending: Ending

    /// - Parameters:
    ///   - program: Its path.
    ///   - input: A file for its standard input; nothing without one.
    ///   - log: A file for both of its outputs; without one each has its own.
    ///   - directory: Where it runs; else where the tests do.
    ///   - environment: In place of variables of the same name.
    public init(
        _ program: String, _ arguments: [String], input: String? = nil, log: String? = nil, directory: String? = nil,
        environment: [String: String] = [:]
    ) throws {
        folder = try TemporaryFolder()
        outputPath = log ?? folder.file("out")
        errorPath = log == nil ? folder.file("err") : nil
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, input ?? "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, outputPath, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        if let errorPath {
            posix_spawn_file_actions_addopen(&actions, 2, errorPath, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        } else {
            posix_spawn_file_actions_adddup2(&actions, 1, 2)
        }
        let command = directory.map { ["/usr/bin/env", "-C", $0, program] + arguments } ?? [program] + arguments
        identifier = try Self.spawn(
            command[0], Array(command.dropFirst()), &actions,
            environment: ProcessInfo.processInfo.environment.merging(environment) { $1 })
        ending = Ending(identifier)
    }

    deinit { stop() }

    public var output: [UInt8] { Self.read(outputPath) }
    public var text: String { String(decoding: output, as: UTF8.self) }
    public var errors: String { errorPath.map { String(decoding: Self.read($0), as: UTF8.self) } ?? "" }
    public var isRunning: Bool { status == nil }

    /// The exit status (128 and the signal's number after a signal), or nil while it runs.
    public var status: Int32? { ending.status }

    /// Tells it to end; by force after a second. A thread of its own collects it.
    public func stop() {
        guard isRunning else { return }
        kill(identifier, SIGTERM)
        Thread.detachNewThread { [identifier, ending] in
            for _ in 0..<200 where ending.status == nil { usleep(5000) }
            if ending.status == nil { kill(identifier, SIGKILL) }
            while ending.status == nil { usleep(5000) }
        }
    }

    /// Tells it to end and waits until it did.
    public func end() async {
        stop()
        while isRunning { try? await Task.sleep(for: .milliseconds(5)) }
    }

    /// Waits for its end, which comes by force after `seconds`.
    public func finish(within seconds: Double = 60) async throws -> Outcome {
        guard try await eventually(within: seconds, { !self.isRunning }) else {
            kill(identifier, SIGKILL)
            throw ToolFailure(
                description: "still running after \(seconds) seconds: \(text.suffix(2000)) \(errors.suffix(2000))")
        }
        return Outcome(status: status ?? -1, output: output, errors: errors)
    }

    /// Runs a program to its end.
    @discardableResult
    public static func run(
        _ program: String, _ arguments: [String], input: String? = nil, log: String? = nil, directory: String? = nil,
        environment: [String: String] = [:], within seconds: Double = 60
    ) async throws -> Outcome {
        try await ChildProcess(
            program, arguments, input: input, log: log, directory: directory, environment: environment
        ).finish(within: seconds)
    }

    /// Runs a tool whose failure is nobody's subject.
    ///
    /// - Returns: What it wrote, its errors last.
    @discardableResult
    public static func tool(
        _ program: String, _ arguments: [String], directory: String? = nil, environment: [String: String] = [:],
        within seconds: Double = 120
    ) async throws -> String {
        let result = try await run(
            program, arguments, directory: directory, environment: environment, within: seconds)
        guard result.status == 0 else {
            throw ToolFailure(
                description:
                    "\(program) \(arguments.joined(separator: " ")): \(result.text.suffix(2000))\(result.errors.suffix(2000))"
            )
        }
        return result.text + result.errors
    }

    /// Where a program of the system is, or nil.
    public static func find(_ name: String) -> String? {
        ["/usr/bin/", "/usr/sbin/", "/usr/local/bin/", "/bin/", "/sbin/"].map { $0 + name }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    private static func read(_ path: String) -> [UInt8] {
        (try? Data(contentsOf: URL(fileURLWithPath: path))).map { Array($0) } ?? []
    }

    // MARK: Starting

    /// Starts a program with the caller's file actions for the streams; everything else is closed in the child.
    public static func spawn(
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

/// Collects one child, once, whoever asks first.
private final class Ending: Sendable {
    private let identifier: pid_t
    private let known = Mutex<Int32?>(nil)

    init(_ identifier: pid_t) { self.identifier = identifier }

    var status: Int32? {
        known.withLock { known in
            if let known { return known }
            var status: Int32 = 0
            guard waitpid(identifier, &status, WNOHANG) == identifier else { return nil }
            let signal = status & 0x7F
            known = signal == 0 ? status >> 8 & 0xFF : 128 + signal
            return known
        }
    }
}
