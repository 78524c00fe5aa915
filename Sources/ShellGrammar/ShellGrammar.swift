/// Reads command lines of sh and bash the way a shell does and says what they may do.
///
/// The text is parsed, never searched: quotes, expansions, substitutions, here-documents, pipelines, lists and compound
/// commands. Where shells read a text differently (dash and bash, fish and tcsh for typed lines), where it is worked out
/// at run time, or where a program or option is not known here, the answer is `unknown`.
///
///     ShellGrammar.classify("git status && ls -l").isReadOnly            // true
///     ShellGrammar.classify("ls $(touch x)").effects                     // [.read, .write]
///     ShellGrammar.classify("find . -delete").reasons.first?.text        // "removes the files that it finds (-delete)"
public enum ShellGrammar {
    /// Where the line will run.
    public struct Surroundings: Sendable, Hashable {
        /// Whether programs see a terminal: pagers and full-screen programs start only then.
        public var hasTerminal: Bool
        /// Whether the line is typed at a prompt of an unknown shell, where `!` recalls history, a tab completes and other
        /// shells' quoting holds.
        public var isTyped: Bool

        /// A line that is typed into the session's shell.
        public static let typed = Surroundings(hasTerminal: true, isTyped: true)
        /// A command that `sh -c` runs with a pseudo-terminal.
        public static let terminal = Surroundings(hasTerminal: true, isTyped: false)
        /// A command that `sh -c` runs without one.
        public static let noTerminal = Surroundings(hasTerminal: false, isTyped: false)
    }

    /// Longer lines are `unknown`, unread. Bytes.
    public static let maximumLength = 128 * 1024
    /// How deep substitutions, compound commands and wrappers may lie in each other.
    public static let maximumDepth = 40
    public static let maximumReasons = 32
    /// Wrappers in each other: `env nice timeout 5 …`.
    public static let maximumWrappers = 16
    /// A simple command of more words is `unknown`.
    public static let maximumWords = 4096
    /// A line of more simple commands is `unknown`.
    public static let maximumCommands = 512

    /// What a line may do. Time grows with the line's length (times the depth, at most); nothing traps.
    ///
    /// - Parameter surroundings: where it will run. The default is the strictest that a script can meet: a terminal, in
    ///   which `git log` opens a pager and a pager runs commands.
    public static func classify(_ line: String, in surroundings: Surroundings = .terminal) -> CommandClass {
        var judge = Judge(surroundings: surroundings)
        judge.line(line, depth: 0, hasTerminal: surroundings.hasTerminal)
        return judge.found
    }
}
