import Synchronization

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The person's terminal: output, errors, and questions whose answers are not shown.
public enum PersonTerminal {
    public static func print(_ line: String = "") {
        write(Printable.line(line) + "\n", to: STDOUT_FILENO)
    }

    public static func error(_ line: String) {
        write(Printable.line(line) + "\n", to: STDERR_FILENO)
    }

    /// Bytes for a file or a pipe, as they are.
    public static func write(_ bytes: [UInt8], to descriptor: Int32 = STDOUT_FILENO) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { systemWrite(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR || (errno == EAGAIN && waitForRoom(descriptor)) { continue }
            guard count > 0 else {
                if descriptor == STDOUT_FILENO { noteFault(errno) }
                return
            }
            rest = rest.dropFirst(count)
        }
    }

    /// A terminal or a pipe that somebody has set to answer at once.
    private static func waitForRoom(_ descriptor: Int32) -> Bool {
        var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        return poll(&waiting, 1, -1) >= 0 || errno == EINTR
    }

    // MARK: Output that is lost

    private static let fault = Atomic<Int32>(0)

    /// A file that takes no more, such as one on a full disk. Somebody who reads no more, and a descriptor that is closed,
    /// lose nothing that is wanted.
    package static func isLoss(_ error: Int32) -> Bool { ![0, EPIPE, EBADF].contains(error) }

    package static func noteFault(_ error: Int32) {
        if isLoss(error) { fault.store(error, ordering: .relaxed) }
    }

    /// Throws when something that was printed is lost: whoever goes on with a file must not take it for whole.
    public static func checkOutput() throws(Failure) {
        let error = fault.exchange(0, ordering: .relaxed)
        guard error != 0 else { return }
        throw .outputLost(error, status: .couldNot)
    }

    private static func write(_ text: String, to descriptor: Int32) {
        write(Array(text.utf8), to: descriptor)
    }

    public static var asks: Bool { isatty(STDIN_FILENO) == 1 }

    /// Asks for a secret without showing it; from a pipe it is the first line.
    public static func secret(_ question: String) throws(Failure) -> [UInt8] {
        guard asks else { return try firstLine(question) }
        write(question + ": ", to: STDERR_FILENO)
        var shown = termios()
        guard tcgetattr(STDIN_FILENO, &shown) == 0 else { return try firstLine(question) }
        var hidden = shown
        hidden.c_lflag &= ~tcflag_t(ECHO)
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden)
        defer {
            tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown)
            write("\n", to: STDERR_FILENO)
        }
        return try firstLine(question)
    }

    /// A new secret is asked for twice, since nobody sees what was typed.
    public static func newSecret(_ question: String) throws(Failure) -> [UInt8] {
        let first = try secret(question)
        guard asks else { return first }
        guard try secret("The same again") == first else {
            throw Failure("The two passwords are not the same.", hint: "Start again.")
        }
        return first
    }

    /// Yes or no, from a terminal only.
    public static func confirms(_ question: String) -> Bool {
        guard asks else { return false }
        write(question + " [y/N] ", to: STDERR_FILENO)
        return ["y", "yes"].contains(readLine()?.lowercased() ?? "")
    }

    private static func firstLine(_ question: String) throws(Failure) -> [UInt8] {
        guard let line = readLine(strippingNewline: true), !line.isEmpty else {
            throw Failure("Nothing was given for: \(question).", hint: "Type it, or pass it on standard input.")
        }
        return Array(line.utf8)
    }
}

extension Failure {
    package static func outputLost(_ error: Int32, status: Status) -> Failure {
        Failure(
            "Standard output could not be written: \(String(cString: strerror(error))).",
            hint: "What was written is not whole. Look whether the disk is full.", status: status)
    }
}

private func systemWrite(_ descriptor: Int32, _ base: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, base, count)
}
