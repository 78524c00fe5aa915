// Small programs of this machine that a connection needs: `ProxyCommand`, `LocalCommand`, `SSH_ASKPASS`, xauth. They share
// our process group and need neither a terminal nor supervision.

import CLocalCalls

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

enum LocalProgram {
    struct Result {
        var status: Int32
        var output: [UInt8]
    }

    /// The user's shell, which the configuration's commands are written for.
    static var shell: String {
        getenv("SHELL").map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 } ?? "/bin/sh"
    }

    /// Starts a program and returns its process.
    ///
    /// - Parameters:
    ///   - descriptors: Those of ours that it gets, and their numbers there.
    ///   - environment: Beside our own.
    ///   - extra: A descriptor that the program must not have beside those.
    ///   - first: From this number on the program gets none.
    static func start(
        _ words: [String], descriptors: [(own: Int32, there: Int32)], environment: [String: String] = [:],
        closing extra: Int32? = nil, closingFrom first: Int32? = nil
    ) throws(Failure) -> pid_t {
        guard let program = words.first else { throw failed("", EINVAL) }
        var actions = posix_spawn_file_actions_t()
        guard posix_spawn_file_actions_init(&actions) == 0 else { throw failed(program, ENOMEM) }
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (own, there) in descriptors { posix_spawn_file_actions_adddup2(&actions, own, there) }
        if let extra, extra > 2 { posix_spawn_file_actions_addclose(&actions, extra) }
        if let first { _ = spawn_close_from(&actions, first) }
        var attributes = posix_spawnattr_t()
        guard posix_spawnattr_init(&attributes) == 0 else { throw failed(program, ENOMEM) }
        defer { posix_spawnattr_destroy(&attributes) }
        // We ignore broken pipes; a shell's pipeline relies on them.
        var defaults = sigset_t()
        sigemptyset(&defaults)
        sigaddset(&defaults, SIGPIPE)
        posix_spawnattr_setsigdefault(&attributes, &defaults)
        // The runtime's threads hear no signals; what they start must.
        var mask = sigset_t()
        sigemptyset(&mask)
        posix_spawnattr_setsigmask(&attributes, &mask)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))

        let arguments = words.map { strdup($0) } + [nil]
        let variables = merged(environment).map { strdup($0) } + [nil]
        defer {
            for text in arguments { free(text) }
            for text in variables { free(text) }
        }
        var process: pid_t = 0
        let error = posix_spawnp(&process, program, &actions, &attributes, arguments, variables)
        guard error == 0 else { throw failed(program, error) }
        return process
    }

    /// Runs a program to its end with nothing to read, and brings back what it wrote. Blocks. nil if it did not start.
    static func run(_ words: [String], environment: [String: String] = [:], limit: Int) -> Result? {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { return nil }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let nothing = open("/dev/null", O_RDONLY | O_CLOEXEC)
        defer { if nothing >= 0 { close(nothing) } }
        let process = try? start(words, descriptors: [(nothing, 0), (ends[1], 1)], environment: environment)
        close(ends[1])
        defer { close(ends[0]) }
        guard let process else { return nil }
        var output: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(ends[0], &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            output += chunk[..<count].prefix(limit - output.count)
        }
        return Result(status: waitForExit(process), output: output)
    }

    /// Runs a command of the configuration in the user's shell, with our own descriptors, to its end. Blocks.
    static func runShell(_ command: String) throws(Failure) -> Int32 {
        waitForExit(try start([shell, "-c", command], descriptors: []))
    }

    /// The exit status, or 128 and the signal's number. Blocks.
    static func waitForExit(_ process: pid_t) -> Int32 {
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0 {
            guard errno == EINTR else { return 255 }
        }
        let signal = status & 0x7F
        return signal == 0 ? (status >> 8) & 0xFF : 128 + signal
    }

    /// Ends a program, as a terminal that goes away does, and leaves nothing of it behind. Does not wait: a program that
    /// will not end is killed after two seconds.
    static func end(_ process: pid_t) {
        kill(process, SIGHUP)
        Task {
            var status: Int32 = 0
            for _ in 0..<40 {
                guard waitpid(process, &status, WNOHANG) == 0 else { return }
                try? await Task.sleep(for: .milliseconds(50))
            }
            kill(process, SIGKILL)
            waitpid(process, &status, 0)
        }
    }

    private static func merged(_ additions: [String: String]) -> [String] {
        var variables: [String] = []
        var next = environ
        while let entry = next.pointee {
            let text = String(cString: entry)
            let name = text.prefix { $0 != "=" }
            if additions[String(name)] == nil { variables.append(text) }
            next += 1
        }
        return variables + additions.map { $0.key + "=" + $0.value }
    }

    private static func failed(_ program: String, _ error: Int32) -> Failure {
        Failure(
            "\(Printable.line(program)) could not be started: \(String(cString: strerror(error))).",
            hint: "Check that it is there and may be executed.", status: .connection)
    }
}
