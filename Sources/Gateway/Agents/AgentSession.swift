import NIOConcurrencyHelpers
import NIOCore
import Redaction
import Storage

/// An agent's place at one live session: what it was granted, its seat, its commands.
///
/// The session itself is an ordinary one: its door, its keyboard, its recording and its log are those of everybody.
final class AgentSession: Sendable {
    /// What ended the agent's part.
    enum Ending: Sendable {
        case closed(String)
        case expired
        case revoked(by: String)

        var reason: String {
            switch self {
            case .closed(let why): why
            case .expired: "grant_expired"
            case .revoked: "revoked"
            }
        }
    }

    struct State: Sendable {
        var grant: AgentGrant
        var seatID = ""
        /// Everything of the agent stands still until a person hands back.
        var isPaused = false
        /// The host was lost, and is being connected again.
        var isReconnecting = false
        var handoff: Handoff?
        var handback: HandbackView?
        /// What people allowed beyond the grant: texts with their end, and patterns.
        var allowedTexts: [String: Timestamp] = [:]
        var allowedPatterns: [String] = []
        var commands: [AgentCommand] = []
        var commandCount = 0
        var keys: [String: String] = [:]
        var plans: [AgentPlan] = []
        var ending: Ending?
        var waiting: WaitingView?
        var typed = TypedLine()
        /// The prompt as it looks with nothing behind it.
        var emptyPrompt: String?
        /// The shell that had the prompt when the terminal was asked last, and where it was.
        var foregroundID: String?
        var folder: String?
        /// Commands in the terminal: the first one runs.
        var terminalQueue: [String] = []
        var marks: PromptMarks?
        /// A shell that did not understand how to mark its prompt.
        var unmarkable: String?
        /// Since when the agent has been without the keyboard.
        var leftAt: Timestamp?
        /// Commands of the terminal that people's handbacks told of, as the session counts them.
        var commandsTold = 0
    }

    /// Where the agent sits: it changes when a lost host is connected again.
    struct Place: Sendable {
        let live: LiveSession
        let seat: AgentSeat
        let channels: ExecChannels
        /// Of the terminals before: 0 for the first.
        var generation = 0
        /// Bytes that those before wrote: a reader's place in the output grows for ever.
        var bytesBefore: UInt64 = 0
    }

    struct Handoff: Sendable {
        let id: String
        let message: String
        let kind: String
        let at: Timestamp
    }

    /// Commands of a session that are remembered, and bytes of their output.
    static let commandsKept = 500
    static let outputKept = 96 << 20

    let id: String
    let agent: Agent
    let hostID: String
    /// The person who let it in, whose rights are the limit of its own.
    let approver: Caller
    let request: AgentRequest
    private let placeBox: NIOLockedValueBox<Place>
    /// What the agent does not get to read.
    let redaction: SecretRedaction
    let outputBudget = OutputBudget(limit: outputKept)
    /// A command left the terminal's queue.
    let terminalChanges = ChangeSignal()
    let box: NIOLockedValueBox<State>

    init(
        request: AgentRequest, agent: Agent, hostID: String, approver: Caller, place: Place, grant: AgentGrant,
        redaction: SecretRedaction
    ) {
        self.hostID = hostID
        self.redaction = redaction
        id = request.id
        self.agent = agent
        self.approver = approver
        self.request = request
        placeBox = NIOLockedValueBox(place)
        box = NIOLockedValueBox(State(grant: grant))
    }

    var place: Place { placeBox.withLockedValue { $0 } }
    var live: LiveSession { place.live }
    var seat: AgentSeat { place.seat }
    var channels: ExecChannels { place.channels }

    func move(to place: Place) { placeBox.withLockedValue { $0 = place } }

    var state: State { box.withLockedValue { $0 } }
    var grant: AgentGrant { box.withLockedValue { $0.grant } }
    var seatID: String { box.withLockedValue { $0.seatID } }

    /// Remembers a command, and forgets the oldest finished ones.
    func add(_ command: AgentCommand) {
        box.withLockedValue { state in
            state.commands.append(command)
            state.commandCount += 1
            if let key = command.request.idempotencyKey { state.keys[key] = command.id }
            var bytes = state.commands.reduce(0) { $0 + $1.keptBytes }
            while state.commands.count > Self.commandsKept || bytes > Self.outputKept,
                let index = state.commands.firstIndex(where: { $0.phase.isOver })
            {
                let gone = state.commands.remove(at: index)
                bytes -= gone.keptBytes
                outputBudget.change(by: -gone.keptBytes)
                state.keys = state.keys.filter { $0.value != gone.id }
            }
        }
    }

    /// A command is over: the next one in the terminal may begin.
    func leaveTerminal(_ id: String) {
        box.withLockedValue { $0.terminalQueue.removeAll { $0 == id } }
        terminalChanges.changed()
    }

    /// Commands that still run or wait.
    var unfinished: [AgentCommand] { box.withLockedValue { $0.commands.filter { !$0.phase.isOver } } }
}

/// How a person gave the keyboard back.
public struct HandbackView: Sendable, Encodable {
    /// What people ran meanwhile, as far as the terminal showed it.
    public struct Command: Sendable, Encodable {
        public let command: String
        public let by: String
        /// Known where the shell marks its prompt.
        @Nullable public var exitCode: Int?
    }

    public let by: String
    public let note: String
    public let durationMs: Int
    public let at: String
    public let humanCommands: [Command]
    /// The folder of the terminal's shell; null where the host does not tell.
    @Nullable public var cwd: String?
    /// The screen as it was then.
    public let screen: [String]
    public let untrusted = true

    /// The same with each short text turned into another.
    func map(_ words: (String) -> String) -> HandbackView {
        HandbackView(
            by: words(by), note: words(note), durationMs: durationMs, at: at,
            humanCommands: humanCommands.map {
                Command(command: words($0.command), by: words($0.by), exitCode: $0.exitCode)
            }, cwd: cwd.map(words), screen: screen)
    }
}

/// What the program in the terminal waits for.
public struct WaitingView: Sendable, Encodable, Equatable {
    /// `prompt` of a shell, `password`, `line`, `raw` (a full-screen program, or one that reads single keys), `none`.
    public let kind: String
    public let prompt: String
    /// The name of the program in the foreground; nil when it is not known.
    public let foreground: String?
    /// `tty` when the terminal itself was asked, `heuristic` when only the screen was looked at.
    public let confidence: String

    /// The same with each text of the host's turned into another.
    func map(_ words: (String) -> String) -> WaitingView {
        WaitingView(kind: kind, prompt: words(prompt), foreground: foreground.map(words), confidence: confidence)
    }
}

/// A plan: several commands that a person approves together.
struct AgentPlan: Sendable {
    struct Step: Sendable {
        let id: String
        let command: String
        let folder: String?
        let purpose: String
        let classes: [String]
        let decision: String
        var isUsed = false
    }

    let id: String
    let goal: String
    var steps: [Step]
    let approvalID: String?
    var isApproved: Bool
}

/// A plan as the agent sees it.
public struct PlanView: Sendable, Encodable {
    public struct Step: Sendable, Encodable {
        public let id: String
        public let command: String
        public let cwd: String?
        public let purpose: String
        public let classes: [String]
        /// `allow`, `ask` or `deny` as the policy would have it without the plan.
        public let decision: String
        public let used: Bool
    }
    public let planId: String
    public let goal: String
    /// `approved`, `pending`, `denied` or `expired`.
    public let status: String
    public let steps: [Step]
}
