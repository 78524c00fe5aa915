// Reads commands and has them done: from a terminal, from a pipe, from a batch file.

import SFTP

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The conversation of `copilot sftp`.
public struct FilePromptLoop {
    static let prompt = "sftp> "

    /// Where commands come from.
    public enum Source {
        /// A person at a terminal.
        case terminal
        /// Lines of a descriptor that is no terminal: one that fails is told, and the next one is done.
        case lines(Int32)
        /// `-b`: the first failure ends it, unless the line begins with "-".
        case batch(Int32)
    }

    private let session: FilePrompt
    private let output: FileOutput
    private let interrupts: Interrupts

    /// - Parameters:
    ///   - session: Has begun.
    ///   - output: Where lines go.
    public init(_ session: FilePrompt, output: FileOutput = .standard) {
        self.session = session
        self.output = output
        interrupts = Interrupts()
    }

    /// Runs until the end of the commands.
    ///
    /// - Returns: The exit status: 0, 1 after a failure in a batch, 255 when the connection was lost, 143 after SIGTERM.
    public func run(_ source: Source, historyPath: String? = nil) async -> Int32 {
        interrupts.watch()
        switch source {
        case .terminal: return await runTerminal(CommandHistory(path: historyPath))
        case .lines(let descriptor): return await runLines(descriptor, isBatch: false)
        case .batch(let descriptor): return await runLines(descriptor, isBatch: true)
        }
    }

    /// What the command line's own path asks for, before any command.
    ///
    /// - Returns: An exit status when the visit is over with it.
    public func open(_ path: String, target: String?) async -> Int32? {
        interrupts.watch()
        let (session, output) = (session, output)
        let result: Int32? = await interrupts.run {
            do throws(SFTPError) {
                return try await session.open(path, target: target) ? 0 : nil
            } catch {
                Self.tell(error, output)
                return error.isAboutOneFile ? 1 : 255
            }
        }
        return interrupts.isTerminated ? 143 : result
    }

    private func runTerminal(_ history: CommandHistory) async -> Int32 {
        let prompt = EditedPrompt(history: history)
        let session = session
        while !interrupts.isTerminated {
            let answer = await interrupts.wait(wake: prompt.wake) {
                await prompt.ask(Self.prompt) { await session.complete($0) }
            }
            switch answer {
            case .interrupted: continue
            case .end: return interrupts.isTerminated ? 143 : 0
            case .line(let line):
                let outcome = await perform(line, isBatch: false)
                if let status = outcome { return status }
            }
        }
        return 143
    }

    private func runLines(_ descriptor: Int32, isBatch: Bool) async -> Int32 {
        let input = LineInput(descriptor)
        while true {
            let line = await interrupts.wait(wake: input.wake) { await input.next() }
            if interrupts.isTerminated { return 143 }
            guard let line else { return 0 }
            if let status = await perform(line, isBatch: isBatch, isEchoed: true) { return status }
        }
    }

    /// - Returns: An exit status when that was the last line.
    private func perform(_ line: String, isBatch: Bool, isEchoed: Bool = false) async -> Int32? {
        let parsed: FileCommandLine
        do throws(CommandLineError) { parsed = try FileCommandLine(line) } catch {
            if isEchoed { output.print(Self.prompt + line) }
            output.error(error.sentence)
            return isBatch && !line.drop(while: \.isWhitespace).hasPrefix("-") ? 1 : nil
        }
        if isEchoed, !parsed.isSilent { output.print(Self.prompt + line) }
        _ = interrupts.takeInterrupt()
        let (session, command) = (session, parsed.command)
        let failure: SFTPError? = await interrupts.run {
            do throws(SFTPError) {
                try await session.run(command)
                return nil
            } catch { return error }
        }
        if interrupts.isTerminated { return 143 }
        if let failure {
            if failure.code == .cancelled { output.error("Interrupted.") } else { Self.tell(failure, output) }
            if failure.code == .connectionLost || failure.code == .closed { return 255 }
            if isBatch && !parsed.ignoresFailure { return 1 }
        }
        // Ctrl-C means all of what is not typed by a person at a prompt.
        if isEchoed, interrupts.takeInterrupt() { return 1 }
        return await session.isOver ? 0 : nil
    }

    private static func tell(_ error: SFTPError, _ output: FileOutput) {
        output.error(error.description)
        if !error.hint.isEmpty { output.error("  \(error.hint)") }
    }
}
