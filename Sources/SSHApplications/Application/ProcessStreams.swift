import Dispatch
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import SSH

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The standard streams of this process as those of a visit: a terminal when input and output are one, else pipes.
///
/// The descriptors stay blocking, since others may share them; threads of its own wait on them.
final class ProcessStreams: VisitStreams {
    private struct State {
        var terminal: ApplicationTerminal?
        var endedBy: Int32?
    }

    private let state: NIOLockedValueBox<State>
    private let fan = EventFan()
    /// The terminal as it was; nil without one.
    private let original: termios?
    /// For one reader, one writer, and one that waits for the end of whoever reads our output.
    private let threads = NIOThreadPool(numberOfThreads: 3)
    /// A byte in it ends a read that waits.
    private let waker: (read: Int32, write: Int32)

    init() {
        signal(SIGPIPE, SIG_IGN)
        threads.start()
        var ends: [Int32] = [-1, -1]
        pipe(&ends)
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        waker = (ends[0], ends[1])
        var modes = termios()
        if isatty(STDIN_FILENO) == 1, isatty(STDOUT_FILENO) == 1, tcgetattr(STDIN_FILENO, &modes) == 0 {
            original = modes
            cfmakeraw(&modes)
            tcsetattr(STDIN_FILENO, TCSANOW, &modes)
            state = NIOLockedValueBox(State(terminal: Self.terminal()))
        } else {
            original = nil
            state = NIOLockedValueBox(State())
        }
    }

    private static func terminal() -> ApplicationTerminal {
        var size = winsize()
        let isKnown = ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 && size.ws_row > 0
        return ApplicationTerminal(
            type: ProcessEnvironment.all["TERM"] ?? "dumb", columns: isKnown ? Int(size.ws_col) : 80,
            rows: isKnown ? Int(size.ws_row) : 24)
    }

    var terminal: ApplicationTerminal? { state.withLockedValue { $0.terminal } }

    /// The signal that ended the visit, if one did.
    var endedBy: Int32? { state.withLockedValue { $0.endedBy } }

    func makeEvents() -> AsyncStream<ApplicationEvent> { fan.stream() }

    // MARK: Signals and the end

    /// Follows the terminal's size, and tells of what shall end the visit: a signal, or that nobody reads the output.
    func watch(_ ended: @escaping @Sendable (Int32) -> Void) {
        watch(SIGWINCH) { [self] in
            guard original != nil else { return }
            let terminal = Self.terminal()
            state.withLockedValue { $0.terminal = terminal }
            fan.yield(.resized(terminal))
        }
        for number in [SIGINT, SIGTERM, SIGHUP] {
            watch(number) { [self] in
                state.withLockedValue { $0.endedBy = $0.endedBy ?? number }
                ended(number)
            }
        }
        threads.submit { [self] state in
            guard case .active = state, waitForHangUp() else { return }
            self.state.withLockedValue { $0.endedBy = $0.endedBy ?? SIGHUP }
            ended(SIGHUP)
        }
    }

    private func watch(_ number: Int32, _ body: @escaping @Sendable () -> Void) {
        // The source sees a signal although it is ignored; its default action would be quicker.
        signal(number, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
        // Held by its own handler: as long as this process.
        source.setEventHandler { withExtendedLifetime(source, body) }
        source.resume()
    }

    /// Whether the other end of the output went away; false when the process is done before.
    private func waitForHangUp() -> Bool {
        var ends = [pollfd(fd: STDOUT_FILENO, events: 0, revents: 0)]
        while poll(&ends, 1, -1) < 0, errno == EINTR {}
        return ends[0].revents & Int16(POLLERR | POLLHUP) != 0
    }

    /// Gives the terminal back as it was.
    func restore() {
        guard var modes = original else { return }
        tcsetattr(STDIN_FILENO, TCSANOW, &modes)
    }

    /// Ends the process, with the terminal as it was, if it is still there after a while.
    func restore(exitingAfter time: Duration, status: Int32) {
        let nanoseconds = Int(time.components.seconds) * 1_000_000_000
        DispatchQueue.global().asyncAfter(deadline: .now() + .nanoseconds(nanoseconds)) { [self] in
            restore()
            _exit(status)
        }
    }

    // MARK: Data

    func read() async throws -> ByteBuffer? {
        let threads = threads
        let isCancelled = NIOLockedValueBox(false)
        return try await withTaskCancellationHandler {
            try Task.checkCancellation()
            return try await threads.runIfActive { [self] in
                try waitForInput(isCancelled)
                return readNow()
            }
        } onCancel: {
            isCancelled.withLockedValue { $0 = true }
            var byte: UInt8 = 0
            _ = systemWrite(waker.write, &byte, 1)
        }
    }

    private func waitForInput(_ isCancelled: NIOLockedValueBox<Bool>) throws {
        while true {
            var ends = [
                pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0),
                pollfd(fd: waker.read, events: Int16(POLLIN), revents: 0),
            ]
            guard poll(&ends, 2, -1) >= 0 else {
                guard errno == EINTR else { throw IOError(errnoCode: errno, reason: "poll") }
                continue
            }
            if ends[1].revents != 0 {
                var byte: UInt8 = 0
                _ = systemRead(waker.read, &byte, 1)
            }
            // The byte may be that of an earlier read, which was done when it was cancelled.
            if isCancelled.withLockedValue({ $0 }) { throw CancellationError() }
            if ends[0].revents != 0 { return }
        }
    }

    private func readNow() -> ByteBuffer? {
        var bytes = [UInt8](repeating: 0, count: 16 * 1024)
        while true {
            let count = bytes.withUnsafeMutableBytes { systemRead(STDIN_FILENO, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            // A terminal that hung up says so by an error.
            return count > 0 ? ByteBuffer(bytes: bytes.prefix(count)) : nil
        }
    }

    func write(_ data: ByteBuffer, to stream: SSHDataStream) async throws {
        try Task.checkCancellation()
        let descriptor = stream == .standardError ? STDERR_FILENO : STDOUT_FILENO
        try await threads.runIfActive {
            try data.withUnsafeReadableBytes { bytes in
                var rest = UnsafeRawBufferPointer(bytes)[...]
                while !rest.isEmpty {
                    let piece = UnsafeRawBufferPointer(rebasing: rest)
                    let count = systemWrite(descriptor, piece.baseAddress, piece.count)
                    if count >= 0 {
                        rest = rest.dropFirst(count)
                    } else if errno == EAGAIN {
                        // Somebody who shares the descriptor made it so.
                        var end = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                        poll(&end, 1, -1)
                    } else if errno != EINTR {
                        throw IOError(errnoCode: errno, reason: "write")
                    }
                }
            }
        }
    }
}

extension ProcessStreams {
    /// Says something before there is a visit, or without one.
    static func say(_ text: String) {
        let bytes = Array(DisplayText.neutralise(text, limit: 4096, keepsLines: true).utf8)
        _ = bytes.withUnsafeBytes { systemWrite(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    /// A small file, as of a key.
    static func contents(of path: String) throws(ApplicationFailure) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw .usage("\(path) cannot be read: \(String(cString: strerror(errno))).", hint: "Name another file.")
        }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 64 * 1024)
        let count = bytes.withUnsafeMutableBytes { systemRead(descriptor, $0.baseAddress, $0.count) }
        return Array(bytes.prefix(max(count, 0)))
    }

    /// Returns at SIGINT or SIGTERM.
    static func waitForTermination() async {
        let (stream, sink) = AsyncStream.makeStream(of: Void.self)
        let sources = [SIGINT, SIGTERM].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { sink.finish() }
            source.resume()
            return source
        }
        for await _ in stream {}
        for source in sources { source.cancel() }
    }
}

private func systemRead(_ descriptor: Int32, _ buffer: UnsafeMutableRawPointer?, _ count: Int) -> Int {
    read(descriptor, buffer, count)
}

private func systemWrite(_ descriptor: Int32, _ base: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, base, count)
}
