public import NIOCore
import NIOPosix

/// A running program, for tasks: what it writes as asynchronous sequences, its input by a `write` that waits for room.
///
/// Whoever does not read stops the program, and nobody else. When nobody holds it any more the program is hung up, as by
/// a line that breaks: SIGHUP to its process group.
///
/// ```swift
/// let make = try await LocalProcess.start(
///     ProcessLaunch("/usr/bin/make", ["make", "test"], environment: environment), on: eventLoop)
/// for await bytes in make.output { print(String(buffer: bytes), terminator: "") }
/// print(await make.waitForExit())
/// ```
public final class LocalProcess: Sendable {
    public typealias Exit = ProcessExit

    public let processID: Int32
    /// The terminal's path, such as "/dev/pts/3"; nil without one.
    public let terminalName: String?
    /// What the program writes; with a terminal, everything. For one reader.
    public let output: ProcessOutput
    /// What the program writes to its standard error, where that is separate. For one reader; unread it stops the program
    /// after 256 KiB.
    public let error: ProcessOutput

    private let process: NIOLoopBound<AttachedProcess>
    private let ended: EventLoopFuture<ProcessExit>

    private init(
        _ process: NIOLoopBound<AttachedProcess>, output: ProcessOutput, error: ProcessOutput,
        ended: EventLoopFuture<ProcessExit>
    ) {
        self.process = process
        self.output = output
        self.error = error
        self.ended = ended
        processID = process.value.processID
        terminalName = process.value.terminalName
    }

    deinit {
        let process = process
        process.eventLoop.execute { process.value.hangUp() }
    }

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - launch: What and how.
    ///   - eventLoop: Carries its streams; of a `MultiThreadedEventLoopGroup`.
    /// - Throws: `program_not_found`, `start_failed`, `account_refused`, `no_terminal`, `malformed_launch`.
    public static func start(
        _ launch: ProcessLaunch, on eventLoop: any EventLoop = MultiThreadedEventLoopGroup.singleton.any()
    ) async throws(LocalProcessError) -> LocalProcess {
        let (output, error) = (ProcessOutput(on: eventLoop), ProcessOutput(on: eventLoop))
        let ended = eventLoop.makePromise(of: ProcessExit.self)
        do {
            return try await AttachedProcess.start(launch, on: eventLoop) {
                ProcessReader(output: output, error: error, ended: ended)
            }.map { process in
                output.connect { isReading in process.value.setReading(isReading, of: .output) }
                error.connect { isReading in process.value.setReading(isReading, of: .error) }
                return LocalProcess(process, output: output, error: error, ended: ended.futureResult)
            }.get()
        } catch let failure {
            // Nobody waits for it.
            ended.succeed(.status(127))
            throw failure as? LocalProcessError ?? .malformed("\(failure)")
        }
    }

    /// Writes to the program's standard input; returns when the program's side has taken the bytes.
    ///
    /// - Throws: `input_closed`.
    public func write(_ data: ByteBuffer) async throws(LocalProcessError) {
        let process = process
        do {
            try await process.eventLoop.flatSubmit { process.value.write(data) }.get()
        } catch {
            throw .inputClosed
        }
    }

    /// Ends the program's standard input, after what was written. A terminal gets the character that stands for the end.
    public func closeInput() { onLoop { $0.closeInput() } }

    /// Tells the terminal's new size, in characters.
    public func resize(columns: Int, rows: Int) {
        onLoop { $0.resize(PseudoTerminal.Size(columns: columns, rows: rows)) }
    }

    /// Sends a signal to the whole group: with a terminal to the one in the foreground.
    public func signal(_ number: Int32) { onLoop { $0.signal(number) } }

    /// Hangs the program up, as dropping it does.
    public func hangUp() { onLoop { $0.hangUp() } }

    /// Waits for the program's end. What it wrote can be read before or after, but must be read: a program that waits
    /// for a reader does not end.
    public func waitForExit() async -> Exit {
        // It never fails.
        (try? await ended.get()) ?? .status(255)
    }

    private func onLoop(_ body: @escaping @Sendable (AttachedProcess) -> Void) {
        let process = process
        process.eventLoop.execute { body(process.value) }
    }
}

/// Fills the outputs of a process from its loop.
private final class ProcessReader: AttachedProcessDelegate {
    private let output: ProcessOutput
    private let error: ProcessOutput
    private let ended: EventLoopPromise<ProcessExit>

    init(output: ProcessOutput, error: ProcessOutput, ended: EventLoopPromise<ProcessExit>) {
        self.output = output
        self.error = error
        self.ended = ended
    }

    func process(_ process: AttachedProcess, wrote data: ByteBuffer, to stream: ProcessStream) {
        (stream == .output ? output : error).push(data)
    }

    func process(_ process: AttachedProcess, ended exit: ProcessExit) {
        output.finish()
        error.finish()
        ended.succeed(exit)
    }
}
