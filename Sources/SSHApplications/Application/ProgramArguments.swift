import SSH

/// The command line of an application's program, taken apart: options that whoever set it up wrote, and the words of the
/// client, which are never taken for options.
public struct ProgramArguments: Sendable {
    /// What was written by whoever set it up.
    private var own: [String]
    /// What the client asked for; nil without a command.
    private var asked: [String]?

    /// Reads the command line as `copilot dispatch run`, sshd (as a forced command or a login shell) or a person made it.
    ///
    /// - Throws: `usage` for a command that is no line of words.
    public init() throws(ApplicationFailure) { try self.init(CommandLine.arguments, ProcessEnvironment.all) }

    /// - Parameter arguments: With the program's name first.
    init(_ arguments: [String], _ environment: [String: String]) throws(ApplicationFailure) {
        own = Array(arguments.dropFirst())
        asked = nil
        if let count = environment["COPILOT_WORDS"].flatMap(Int.init) {
            let count = min(max(count, 0), own.count)
            asked = count == 0 ? nil : Array(own.suffix(count))
            own.removeLast(count)
        } else if arguments.first?.hasPrefix("-") == true || own.first == "-c" {
            // sshd starts a login shell with a dash before its name, or with the command behind -c.
            asked = own.count == 2 ? try Self.words(own[1]) : nil
            own = []
        } else if let line = environment["SSH_ORIGINAL_COMMAND"] {
            asked = try Self.words(line)
        }
    }

    private static func words(_ line: String) throws(ApplicationFailure) -> [String] {
        do {
            return try ShellWords.parse(line)
        } catch {
            throw ApplicationFailure(error)
        }
    }

    /// Takes an option off: `--name VALUE` or `--name=VALUE`, before the first word.
    ///
    /// - Throws: `usage` when its value is missing.
    public mutating func take(_ name: String) throws(ApplicationFailure) -> String? {
        var index = 0
        while index < own.count, own[index].hasPrefix("--") {
            if own[index].hasPrefix(name + "=") { return String(own.remove(at: index).dropFirst(name.count + 1)) }
            let hasValue = !own[index].contains("=")
            if own[index] == name {
                guard index + 1 < own.count else {
                    throw .usage("The option \(name) has no value.", hint: "\(name) VALUE")
                }
                own.remove(at: index)
                return own.remove(at: index)
            }
            index += hasValue ? 2 : 1
        }
        return nil
    }

    /// The words of the visit, when all options are taken; nil without a command.
    ///
    /// - Throws: `usage` when an option is left that nobody knows.
    public var words: [String]? {
        get throws(ApplicationFailure) {
            if let option = own.first, option.hasPrefix("--") {
                throw .usage("There is no option \(option).", hint: "Look at what starts this program.")
            }
            return own.isEmpty ? asked : own + (asked ?? [])
        }
    }
}
