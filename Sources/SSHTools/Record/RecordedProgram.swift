import Foundation
import LocalProcess
public import NIOCore
import NIOPosix
import Recording
import SSHProtocol

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A program on a terminal of its own, whose output goes to ours and into a recording.
public enum RecordedProgram {
    /// Runs it to its end. Our terminal is raw meanwhile and as before afterwards, whatever ends the process.
    ///
    /// - Parameters:
    ///   - request: the program and the file.
    ///   - environment: of the program.
    ///   - eventLoop: carries it.
    /// - Returns: its status; 128 and the number of the signal that ended it.
    public static func run(
        _ request: RecordingRequest, environment: [String: String] = ProcessInfo.processInfo.environment,
        on eventLoop: any EventLoop = MultiThreadedEventLoopGroup.singleton.any()
    ) async throws(Failure) -> Int32 {
        guard let name = request.command.first else {
            throw Failure("There is no program to record.", hint: "Name one.")
        }
        let size = KeyboardWatch.size() ?? (columns: 80, rows: 24)
        let recorder: TerminalRecorder
        do throws(RecordingError) {
            recorder = try TerminalRecorder.start(
                at: request.file,
                header: request.header(columns: size.columns, rows: size.rows, environment: environment),
                options: request.options)
        } catch {
            let hint = error.code == .exists ? "Choose another name, or write over it with --overwrite." : error.hint
            throw Failure(error.description, hint: hint)
        }
        var launch = ProcessLaunch(
            name, request.command, environment: environment.merging(["COPILOT_REC": "1"]) { $1 },
            terminal: PseudoTerminal.Setup(
                size: .init(columns: size.columns, rows: size.rows), modes: modes()))
        launch.errorOutput = .merged
        let exit: ProcessExit
        do {
            exit = try await relay(launch, recorder, on: eventLoop)
        } catch {
            _ = try? recorder.stop()
            if !request.options.mayReplace { unlink(request.file) }
            let failure = error as? LocalProcessError
            throw Failure(failure?.description ?? "\(name) could not be started: \(error).", hint: failure?.hint ?? "")
        }
        return try end(recorder, exit)
    }

    /// The program's terminal begins as ours is: the same keys erase and interrupt.
    private static func modes() -> [PseudoTerminal.Setup.Mode] {
        guard let terminal = LocalTerminal(STDIN_FILENO) else { return [] }
        return terminal.modes.values.map { .init(opcode: $0.opcode, argument: $0.argument) }
    }

    private static func relay(
        _ launch: ProcessLaunch, _ recorder: TerminalRecorder, on eventLoop: any EventLoop
    ) async throws -> ProcessExit {
        let ended = eventLoop.makePromise(of: ProcessExit.self)
        let process: NIOLoopBound<AttachedProcess>
        do {
            process = try await AttachedProcess.start(launch, on: eventLoop) {
                RecordingRelay(recorder, ended)
            }.get()
        } catch {
            ended.fail(error)
            throw error
        }
        let keyboard = KeyboardWatch(raw: true) { event in
            switch event {
            case .typed(let bytes):
                recorder.input(bytes)
                // The keyboard waits until the program has taken it.
                _ = try? process.eventLoop.flatSubmit { process.value.write(ByteBuffer(bytes: bytes)) }.wait()
            case .ended: process.eventLoop.execute { process.value.closeInput() }
            case .resized(let columns, let rows):
                recorder.resize(columns: columns, rows: rows)
                process.eventLoop.execute { process.value.resize(.init(columns: columns, rows: rows)) }
            case .hungUp: process.eventLoop.execute { process.value.hangUp() }
            }
        }
        let flushing = eventLoop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { _ in
            recorder.flush()
        }
        let exit = try await ended.futureResult.get()
        flushing.cancel()
        keyboard.stop()
        return exit
    }

    private static func end(_ recorder: TerminalRecorder, _ exit: ProcessExit) throws(Failure) -> Int32 {
        do throws(RecordingError) {
            switch exit {
            case .status(let status):
                try recorder.stop(exit: .exit(status: Int(status)))
                return status
            case .signal(let number, _):
                try recorder.stop(exit: .exit(status: Int(128 + number)))
                return 128 + number
            }
        } catch {
            throw Failure("The recording ends early: \(error.description)", hint: error.hint)
        }
    }
}

/// What the program says goes to the terminal first, and then into the recording. Loop-bound.
private final class RecordingRelay: AttachedProcessDelegate {
    private let recorder: TerminalRecorder
    private let ended: EventLoopPromise<ProcessExit>

    init(_ recorder: TerminalRecorder, _ ended: EventLoopPromise<ProcessExit>) {
        self.recorder = recorder
        self.ended = ended
    }

    /// Waits for the terminal, which is the program's own pace: nothing else is on this loop.
    func process(_ process: AttachedProcess, wrote data: ByteBuffer, to stream: ProcessStream) {
        data.withUnsafeReadableBytes { bytes in
            var rest = bytes[...]
            while !rest.isEmpty {
                let piece = UnsafeRawBufferPointer(rebasing: rest)
                let count = write(STDOUT_FILENO, piece.baseAddress, piece.count)
                if count < 0, errno == EINTR { continue }
                // Nobody looks any more; the program goes on, and the recording too.
                guard count > 0 else { break }
                rest = rest.dropFirst(count)
            }
        }
        recorder.output(data)
    }

    func process(_ process: AttachedProcess, ended exit: ProcessExit) { ended.succeed(exit) }
}
