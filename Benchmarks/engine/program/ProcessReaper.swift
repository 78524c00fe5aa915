// Programs of the system: how they are started, and how their end becomes known.

import CBenchmarkCalls
import Glibc
import NIOConcurrencyHelpers
import NIOPosix
import SSH

/// Waits for all child processes with one thread.
final class ProcessReaper: Sendable {
    private struct State {
        var waiting: [pid_t: @Sendable (Int32) -> Void] = [:]
        /// Ended before anybody asked.
        var ended: [pid_t: Int32] = [:]
    }

    private let state = NIOLockedValueBox(State())
    /// Counts the processes that are to be waited for.
    private let started = ConditionLock(value: 0)

    /// Starts programs. A thread stands still until its program runs, which on a busy machine is not at once: there are
    /// more of them than cores.
    let starters = NIOThreadPool(numberOfThreads: 8)

    init() {
        starters.start()
        var thread = pthread_t()
        let unmanaged = Unmanaged.passRetained(self)
        pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                Unmanaged<ProcessReaper>.fromOpaque(context).takeUnretainedValue().run()
                return nil
            }, unmanaged.toOpaque())
        pthread_detach(thread)
    }

    /// Whether no program runs.
    var isIdle: Bool { state.withLockedValue { $0.waiting.isEmpty } }

    /// Tells, on some thread, the status of a process that ended.
    func whenEnded(_ process: pid_t, _ body: @escaping @Sendable (Int32) -> Void) {
        let early: Int32? = state.withLockedValue { state in
            if let status = state.ended.removeValue(forKey: process) { return status }
            state.waiting[process] = body
            return nil
        }
        if let early { body(early) }
        started.lock()
        started.unlock(withValue: 1)
    }

    private func run() {
        while true {
            var status: Int32 = 0
            let process = waitpid(-1, &status, 0)
            if process < 0 {
                // No children: until there is one.
                started.lock(whenValue: 1)
                started.unlock(withValue: 0)
                continue
            }
            let body: (@Sendable (Int32) -> Void)? = state.withLockedValue { state in
                if let body = state.waiting.removeValue(forKey: process) { return body }
                state.ended[process] = status
                return nil
            }
            body?(status)
        }
    }
}

/// A program with pipes, or with a terminal, as its standard streams.
struct StartedProgram: Sendable {
    let identifier: pid_t
    /// Ours; the same one twice for a terminal.
    let input: CInt
    let output: CInt
    let isTerminal: Bool

    init(shellWords: [String], terminal: SSHServerTerminal?, environment: [String]) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        var theirs: [CInt] = []
        if let terminal {
            let (master, name) = try Self.terminal()
            var size = winsize()
            size.ws_col = UInt16(clamping: terminal.columns)
            size.ws_row = UInt16(clamping: terminal.rows)
            _ = withUnsafeMutablePointer(to: &size) { ioctl(master, UInt(TIOCSWINSZ), $0) }
            // The leader of a session that opens a terminal gets it as its controlling one.
            posix_spawn_file_actions_addopen(&actions, 0, name, O_RDWR, 0)
            posix_spawn_file_actions_adddup2(&actions, 0, 1)
            posix_spawn_file_actions_adddup2(&actions, 0, 2)
            (input, output, isTerminal) = (master, master, true)
        } else {
            let (stdin, stdout) = (try Self.pipe(), try Self.pipe())
            posix_spawn_file_actions_adddup2(&actions, stdin.reading, 0)
            posix_spawn_file_actions_adddup2(&actions, stdout.writing, 1)
            theirs = [stdin.reading, stdout.writing]
            (input, output, isTerminal) = (stdin.writing, stdout.reading, false)
        }
        // A library's sockets are inherited unless somebody sees to it.
        _ = bench_close_from(&actions, 3)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK) | 0x80)  // POSIX_SPAWN_SETSID

        let vector = cStrings(shellWords)
        let variables = cStrings(environment)
        defer { (vector + variables).forEach { free($0) } }
        var process = pid_t()
        let code = posix_spawn(&process, shellWords[0], &actions, &attributes, vector, variables)
        for descriptor in theirs { close(descriptor) }
        guard code == 0 else { throw UsageError("\(shellWords[0]) did not start: \(code)") }
        identifier = process
    }

    /// Nobody is left who wants it.
    func abandon(_ reaper: ProcessReaper) {
        kill(identifier, SIGHUP)
        close(input)
        if output != input { close(output) }
        reaper.whenEnded(identifier) { _ in }
    }

    /// Our end of a new terminal, and the other end's name.
    private static func terminal() throws -> (CInt, String) {
        let master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
        var (locked, number) = (CInt(0), CUnsignedInt(0))
        // TIOCSPTLCK and TIOCGPTN, which the module of the C library does not show.
        guard master >= 0, ioctl(master, 0x4004_5431, &locked) == 0, ioctl(master, 0x8004_5430, &number) == 0 else {
            throw UsageError("there is no terminal")
        }
        return (master, "/dev/pts/\(number)")
    }

    private static func pipe() throws -> (reading: CInt, writing: CInt) {
        var ends: [CInt] = [-1, -1]
        guard bench_pipe(&ends) == 0 else { throw UsageError("there is no pipe") }
        enlargePipe(ends[0])
        return (ends[0], ends[1])
    }
}

/// Each filling and emptying of a pipe wakes its other end: the fewer the better. F_SETPIPE_SZ.
func enlargePipe(_ descriptor: CInt) { _ = fcntl(descriptor, 1031, 1 << 20) }

private func cStrings(_ words: [String]) -> [UnsafeMutablePointer<CChar>?] { words.map { strdup($0) } + [nil] }
