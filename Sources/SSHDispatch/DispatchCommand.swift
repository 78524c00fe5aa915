#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The command `dispatch`, in a program of its own and as a subcommand of `copilot`.
public enum DispatchCommand {
    /// Runs it and returns the exit status. `dispatch run` returns only when its program could not be started.
    ///
    /// - Parameters:
    ///   - arguments: Without the program's name and the word "dispatch".
    ///   - subcommand: What stands behind the program's name in the command that is printed: empty, or "dispatch".
    public static func run(_ arguments: [String], subcommand: [String] = []) -> Int32 {
        do throws(DispatchError) {
            let options = try DispatchOptions(arguments)
            if options.isHelp {
                write(help, to: STDOUT_FILENO)
            } else if options.positional.first == "run", options.positional.count != 4 {
                try become(ForcedCommand(options: options, environment: environment()).start())
            } else if let line = try KeyDispatch(options, executable: try executable() + subcommand).line() {
                write(line + "\n", to: STDOUT_FILENO)
            }
            return 0
        } catch {
            // Nothing on standard output: sshd reads that as no key.
            write("copilot: \(error.description)\n", to: STDERR_FILENO)
            for line in error.hint.split(separator: "\n") { write("  \(line)\n", to: STDERR_FILENO) }
            return error.status.rawValue
        }
    }

    private static func executable() throws(DispatchError) -> [String] {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let length = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        guard length > 0 else {
            throw DispatchError(
                .temporary, "This program does not find its own path.", hint: "Is /proc there?")
        }
        return [String(decoding: buffer.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self)]
    }

    private static func environment() -> [String: String] {
        var found: [String: String] = [:]
        var entry = environ
        while let text = entry.pointee {
            let parts = String(cString: text).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            // The first of a name counts, as getenv(3) has it.
            if parts.count == 2, found[String(parts[0])] == nil { found[String(parts[0])] = String(parts[1]) }
            entry += 1
        }
        return found
    }

    /// Replaces this process; returns only by throwing.
    private static func become(_ start: ForcedCommand.Start) throws(DispatchError) {
        let words = start.words.map { strdup($0) } + [nil]
        let variables = start.environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for pointer in words + variables { free(pointer) } }
        if let program = words.first ?? nil { execve(program, words, variables) }
        throw DispatchError(
            .temporary, "The application cannot be started at the moment: \(String(cString: strerror(errno))).",
            hint: "Try again later; if it stays, tell who runs this service.")
    }

    private static func write(_ text: String, to descriptor: Int32) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { systemWrite(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}

private func systemWrite(_ descriptor: Int32, _ base: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, base, count)
}
