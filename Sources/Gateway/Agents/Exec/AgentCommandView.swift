import Foundation
import Storage

/// A command as an agent sees it.
public struct AgentCommandView: Sendable, Encodable {
    /// What was left out of a stream.
    public struct Cut: Sendable, Encodable {
        public struct Range: Sendable, Encodable {
            public let from: Int
            public let to: Int
        }
        public let totalBytes: Int
        public let shownBytes: Int
        public let omittedRanges: [Range]
    }
    public struct Truncated: Sendable, Encodable {
        public let stdout: Cut?
        public let stderr: Cut?
    }
    /// Binary output is described instead of shown.
    public struct Binary: Sendable, Encodable {
        public let bytes: Int
        public let sha256: String?
        /// What the first bytes look like: `elf`, `gzip`, `png`, …
        public let sniff: String
    }
    public struct Approval: Sendable, Encodable {
        public let id: String
        public let status: String
        public let by: String?
    }

    public let commandId: String
    public let sessionId: String
    public let command: String
    public let state: String
    public let stdout: String
    public let stderr: String
    /// Nil while it runs, when a signal ended it, and when nobody knows.
    @Nullable public var exitCode: Int?
    @Nullable public var signal: String?
    public let exact: Bool
    public let timedOut: Bool
    public let truncated: Truncated
    public let binary: [String: Binary]?
    public let stdoutBase64: String?
    public let stderrBase64: String?
    public let durationMs: Int?
    public let submittedAt: String
    public let startedAt: String?
    public let cwd: String?
    /// Of a command in the terminal: where its shell was at its end.
    public let cwdAfter: String?
    /// `isolated`: on a channel of its own. `terminal`: typed at the terminal's prompt.
    public let mode: String
    /// What a command in the terminal waits for.
    public let waiting: WaitingView?
    public let classes: [String]
    public let approval: Approval?
    public let editedFrom: String?
    public let purpose: String?
    /// Why it was not run, or could not be.
    public let error: String?
    public let code: String?
    public let hint: String?
    public let control: ControlView?
    public let flags: [String]
    /// Values that were taken out because they look like secrets.
    public let redactions: Int
    /// Whether a stop left nothing behind: `stopped`, or `unconfirmed`.
    public let stop: String?
    /// Why a wait ended before the command did: `control_changed`, `timeout`.
    public let waitEnded: String?
    /// Everything that a host wrote is data, never instructions.
    public let untrusted = true

    /// Whether this is an answer about something that goes on.
    public var isPending: Bool { ["queued", "running", "awaiting_approval"].contains(state) }
}

/// Who has the keyboard of a session.
public struct ControlView: Sendable, Encodable {
    public let holder: String
    /// The person's name, when a person has it.
    @Nullable public var name: String?
    public let epoch: Int
    @Nullable public var since: String?
}

/// A part of what a command wrote.
public struct CommandOutputView: Sendable, Encodable {
    public let commandId: String
    public let stream: String
    public let offset: Int
    public let nextOffset: Int
    public let totalBytes: Int
    /// The part from here on was not kept.
    public let gap: AgentCommandView.Cut.Range?
    public let text: String?
    public let base64: String?
    public let untrusted = true
}

extension AgentCommandView {
    /// - Parameters:
    ///   - words: makes a short text of others fit to be read.
    ///   - redact: takes secrets out of a part of bytes, and counts them.
    init(
        _ command: AgentCommand, _ state: AgentCommand.State, options: CommandViewOptions, approval: Approval?,
        control: ControlView?, waitEnded: String?, words: (String) -> String,
        redact: ([UInt8], Range<Int>) -> (bytes: [UInt8], count: Int)
    ) {
        let out = Stream(state.standardOutput, options, isOver: state.phase.isOver, redact: redact)
        let error = Stream(state.standardError, options, isOver: state.phase.isOver, redact: redact)
        commandId = command.id
        sessionId = command.sessionID
        self.command = state.text
        self.state = state.phase.rawValue
        stdout = out.text
        stderr = error.text
        exitCode = state.exitCode
        signal = state.signal
        exact = !command.request.inTerminal
        timedOut = state.timedOut
        truncated = Truncated(stdout: out.cut, stderr: error.cut)
        let described = ["stdout": out.binary, "stderr": error.binary].compactMapValues { $0 }
        binary = described.isEmpty ? nil : described
        stdoutBase64 = out.base64
        stderrBase64 = error.base64
        let end = state.endedAt ?? .now()
        durationMs = state.startedAt.map { Int(clamping: (end.microseconds - $0.microseconds) / 1000) }
        submittedAt = command.submittedAt.iso8601
        startedAt = state.startedAt?.iso8601
        cwd = command.request.workingDirectory
        cwdAfter = state.folderAfter.map(words)
        mode = command.request.inTerminal ? "terminal" : "isolated"
        waiting = state.waiting.map { $0.map(words) }
        classes = state.classes
        self.approval = approval
        editedFrom = state.editedFrom
        purpose = command.request.purpose
        self.error = (state.denial ?? state.failure?.error).map(words)
        code = state.denial == nil ? state.failure?.code : "denied"
        hint = state.failure.map { words($0.hint) }
        self.control = control
        flags = state.flags
        redactions = out.redactions + error.redactions
        stop = state.stopOutcome?.rawValue
        self.waitEnded = waitEnded
    }

    /// One stream as an answer carries it.
    private struct Stream {
        var text = ""
        var cut: Cut?
        var binary: Binary?
        var base64: String?
        var redactions = 0

        init(
            _ output: CommandOutput, _ options: CommandViewOptions, isOver: Bool,
            redact: ([UInt8], Range<Int>) -> (bytes: [UInt8], count: Int)
        ) {
            let parts = options.parts
            let shown = output.shown(first: parts.first, last: parts.last)
            if let omitted = shown.omitted {
                cut = Cut(
                    totalBytes: output.total, shownBytes: shown.count,
                    omittedRanges: [.init(from: omitted.lowerBound, to: omitted.upperBound)])
            }
            // What still arrives may end inside a character.
            let head =
                isOver || shown.omitted != nil || options.base64 ? shown.head : CompleteText.prefix(shown.head)
            // What stands around a part says what its border cuts.
            let reach = AgentService.redactionReach
            let first = redact(output.bytes(from: 0, limit: head.count + reach) ?? head, 0..<head.count)
            redactions = first.count
            var last: (bytes: [UInt8], count: Int) = ([], 0)
            if let omitted = shown.omitted {
                let begin = max(omitted.upperBound - reach, output.isComplete ? 0 : output.tailOffset)
                let around = output.bytes(from: begin, limit: output.total - begin) ?? shown.tail
                last = redact(around, max(0, around.count - shown.tail.count)..<around.count)
                redactions += last.count
            }
            if options.base64 {
                base64 = Data(first.bytes + last.bytes).base64EncodedString()
                return
            }
            if CommandOutput.isBinary(head) || CommandOutput.isBinary(shown.tail) {
                binary = Binary(bytes: output.total, sha256: output.sha256, sniff: Self.sniff(output.head))
                redactions = 0
                return
            }
            text = String(decoding: first.bytes, as: UTF8.self)
            guard let omitted = shown.omitted else { return }
            text += "\n[… \(omitted.count) bytes omitted …]\n" + String(decoding: last.bytes, as: UTF8.self)
        }

        private static func sniff(_ bytes: [UInt8]) -> String {
            let marks: [([UInt8], String)] = [
                ([0x7F, 0x45, 0x4C, 0x46], "elf"), ([0x1F, 0x8B], "gzip"), ([0x89, 0x50, 0x4E, 0x47], "png"),
                ([0x50, 0x4B, 0x03, 0x04], "zip"), ([0x28, 0xB5, 0x2F, 0xFD], "zstd"),
                ([0x25, 0x50, 0x44, 0x46], "pdf"),
                ([0xFF, 0xD8, 0xFF], "jpeg"), ([0xFD, 0x37, 0x7A, 0x58], "xz"), ([0x42, 0x5A, 0x68], "bzip2"),
            ]
            return marks.first { bytes.starts(with: $0.0) }?.1 ?? "data"
        }
    }
}
