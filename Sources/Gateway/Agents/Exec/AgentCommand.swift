import NIOConcurrencyHelpers
import NIOCore
import SSH
import Storage

/// One command of an agent, from when it was asked for until long after its end.
final class AgentCommand: Sendable {
    /// Where it stands.
    enum Phase: String, Sendable {
        case awaitingApproval = "awaiting_approval"
        case queued
        case running
        case exited
        case signaled
        case stopped
        case denied
        case approvalExpired = "approval_expired"
        /// The link broke: nobody knows how it ended, and it may still run.
        case lost
        /// It could not be started.
        case failed

        var isOver: Bool {
            switch self {
            case .awaitingApproval, .queued, .running: false
            case .exited, .signaled, .stopped, .denied, .approvalExpired, .lost, .failed: true
            }
        }
    }

    /// What came of the wish to stop it.
    enum StopOutcome: String, Sendable {
        case stopped
        case unconfirmed
    }

    struct State: Sendable {
        var phase: Phase
        /// What runs: what was asked for, or what a person made of it.
        var text: String
        var editedFrom: String?
        var standardOutput: CommandOutput
        var standardError: CommandOutput
        var exitCode: Int?
        var signal: String?
        var startedAt: Timestamp?
        var endedAt: Timestamp?
        var timedOut = false
        var stopOutcome: StopOutcome?
        var approvalID: String?
        var denial: String?
        var failure: GatewayError?
        var flags: [String] = []
        var channel: SSHSessionChannel?
        var isInputOpen = false
        /// What it gets to read, until it has been sent.
        var input: [UInt8]?
        var classes: [String] = []
        /// A durable command that was sent to the host once: it is never sent again, only looked for.
        var isSent = false
        /// Of a command in the terminal: the shell that it was judged for, where that was at its end, and what it waits for.
        var shell: String?
        /// Where a person was told that it would run.
        var askedIn: String?
        var folderAfter: String?
        var waiting: WaitingView?
    }

    let id: String
    let sessionID: String
    let agent: Agent
    let request: ExecRequest
    let submittedAt: Timestamp
    /// Its state changed.
    let changes = ChangeSignal()
    /// It wrote something.
    let outputChanges = ChangeSignal()
    private let budget: OutputBudget
    private let onFinish: @Sendable (AgentCommand) -> Void
    private let box: NIOLockedValueBox<State>

    /// - Parameters:
    ///   - id: of a command that is found again.
    ///   - onFinish: called once, when it is over.
    init(
        id: String? = nil, sessionID: String, agent: Agent, request: ExecRequest, text: String,
        submittedAt: Timestamp = .now(), budget: OutputBudget, onFinish: @escaping @Sendable (AgentCommand) -> Void
    ) {
        self.id = id ?? Identifier.make("cmd")
        self.sessionID = sessionID
        self.agent = agent
        // Finished commands are remembered, and what they read is not.
        var kept = request
        kept.input = nil
        self.request = kept
        self.budget = budget
        self.submittedAt = submittedAt
        self.onFinish = onFinish
        let limit = max(CommandOutput.usual, request.view.limit)
        box = NIOLockedValueBox(
            State(
                phase: .queued, text: text, standardOutput: CommandOutput(limit: limit),
                standardError: CommandOutput(limit: limit), isInputOpen: request.keepsInputOpen,
                input: request.input))
    }

    var state: State { box.withLockedValue { $0 } }
    /// Bytes of both streams so far. A copy of the whole state would make the next piece of output copy what is kept.
    var written: Int { box.withLockedValue { $0.standardOutput.total + $0.standardError.total } }
    /// Of those, what is kept.
    var keptBytes: Int { box.withLockedValue { $0.standardOutput.keptBytes + $0.standardError.keptBytes } }
    /// Bytes of input that wait to be sent.
    var pendingInput: Int { box.withLockedValue { $0.input?.count ?? 0 } }

    /// Its input, once.
    func takeInput() -> [UInt8] {
        box.withLockedValue { state in
            defer { state.input = nil }
            return state.input ?? []
        }
    }

    var phase: Phase { box.withLockedValue { $0.phase } }

    /// Changes something, and wakes whoever waits for it.
    func change<Value>(_ body: (inout State) -> Value) -> Value {
        let value = box.withLockedValue(body)
        changes.changed()
        return value
    }

    /// Ends it once; a second end changes nothing.
    /// - Returns: whether this was the end.
    @discardableResult
    func finish(_ phase: Phase, _ more: (inout State) -> Void = { _ in }) -> Bool {
        let isEnd = change { state in
            guard !state.phase.isOver else { return false }
            more(&state)
            // Whoever asked for its end gets to know that it came.
            state.phase = state.stopOutcome == .stopped && phase != .denied ? .stopped : phase
            state.endedAt = .now()
            state.channel = nil
            state.input = nil
            return true
        }
        outputChanges.changed()
        if isEnd { onFinish(self) }
        return isEnd
    }

    /// Takes in what it wrote.
    func write(_ bytes: ByteBufferView, isError: Bool) {
        let isSpent = budget.isSpent
        let grown = box.withLockedValue { state in
            if isSpent {
                state.standardOutput.freeze()
                state.standardError.freeze()
            }
            let before = state.standardOutput.keptBytes + state.standardError.keptBytes
            if isError { state.standardError.append(bytes) } else { state.standardOutput.append(bytes) }
            return state.standardOutput.keptBytes + state.standardError.keptBytes - before
        }
        if grown != 0 { budget.change(by: grown) }
        outputChanges.changed()
    }
}
