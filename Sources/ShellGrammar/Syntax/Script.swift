/// Pipelines in their order. How they are joined (`;`, `&`, `&&`, `||`) does not change what they may do.
struct Script {
    var pipelines: [Pipeline] = []

    /// Whether it is one simple command, which runs nothing but itself.
    var isSimple: Bool {
        guard pipelines.count == 1, pipelines[0].commands.count == 1,
            case .simple(let command) = pipelines[0].commands[0]
        else { return false }
        return command.assignments.isEmpty && command.redirections.isEmpty
            && !command.words.contains(where: \.hasSubstitution)
    }
}

struct Pipeline {
    var commands: [Command] = []
}

enum Command {
    case simple(SimpleCommand)
    /// `(…)`, `{…}`, `if`, `while`, `until`, `for`, `case`.
    case compound(CompoundCommand)
    /// `name() …`
    indirect case function(name: String, body: Command)
}

struct SimpleCommand {
    var assignments: [Assignment] = []
    var words: [Word] = []
    var redirections: [Redirection] = []
}

struct CompoundCommand {
    /// The lists inside, in their order.
    var bodies: [Script] = []
    /// Words that are expanded: a case's subject and patterns, a loop's values.
    var words: [Word] = []
    /// The variable of a `for`.
    var variable: String?
    var redirections: [Redirection] = []
}

struct Assignment {
    let name: String
    /// The values: one, or those of `name=(…)`.
    var values: [Word]
}

struct Redirection {
    enum Direction { case input, output, both, hereDocument, hereString, duplicate }

    let direction: Direction
    let target: Word
}
