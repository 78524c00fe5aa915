/// What a command line may do, and why we think so.
///
/// A line may do several things at once, so its class is a set of effects. Nothing here is a promise that a command is
/// harmless: the text is judged, the host's own files decide what runs. The real boundary is the remote account.
public struct CommandClass: Sendable, Hashable {
    /// One kind of consequence. The order is that of the trouble it can make.
    public enum Effect: String, Sendable, Hashable, CaseIterable, Comparable, Codable {
        /// Shows what is there and leaves everything as it was.
        case read
        /// Reads a place that is known to hold passwords or keys.
        case secrets
        /// Talks to another machine.
        case network
        /// Makes or changes files.
        case write
        /// Takes over the terminal, and often runs commands from inside: a pager, an editor, a shell.
        case interactive
        /// Starts, stops or signals something that runs.
        case service
        /// Changes the machine: packages, accounts, network, kernel, schedules.
        case system
        /// Removes or overwrites what may not come back.
        case destructive
        /// Restarts the machine or switches it off.
        case power
        /// Runs with another account's rights: sudo, su, doas and the like.
        case privileged
        /// Cannot be told from the text. Never read-only.
        case unknown

        public static func < (one: Effect, other: Effect) -> Bool {
            (allCases.firstIndex(of: one) ?? 0) < (allCases.firstIndex(of: other) ?? 0)
        }
    }

    /// One finding, in words for a person.
    public struct Reason: Sendable, Hashable {
        public let effect: Effect
        /// The program that it is about, or nil where it is about the line.
        public let program: String?
        /// A clause such as "removes files (-delete)".
        public let text: String
    }

    /// A simple command that the line runs, inside of wrappers and substitutions too. A word that is only known when it
    /// runs is nil.
    public typealias Words = [String?]

    /// Everything the line may do. Empty for a line that does nothing.
    public internal(set) var effects: Set<Effect> = []
    /// Why, in the order of the line; at most `ShellGrammar.maximumReasons`.
    public internal(set) var reasons: [Reason] = []
    /// The simple commands, in the order of the line.
    public internal(set) var commands: [Words] = []

    /// Whether the line is one simple command: no list, pipe, redirection, assignment or substitution.
    public internal(set) var isSimple = false

    /// Whether the line only shows what is there. An unknown line never is, nor one that reads known secrets.
    public var isReadOnly: Bool { effects.isSubset(of: [.read]) }

    /// The effect with the most trouble in it; `read` for a line that does nothing.
    public var worst: Effect { effects.max() ?? .read }

    /// The programs' names, each once, in the order of the line.
    public var programs: [String] {
        var seen: Set<String> = []
        return commands.compactMap { $0.first ?? nil }.filter { seen.insert($0).inserted }
    }

    mutating func add(_ effect: Effect, _ program: String? = nil, _ text: String? = nil) {
        effects.insert(effect)
        guard let text, reasons.count < ShellGrammar.maximumReasons else { return }
        let reason = Reason(effect: effect, program: program, text: text)
        if !reasons.contains(reason) { reasons.append(reason) }
    }
}
