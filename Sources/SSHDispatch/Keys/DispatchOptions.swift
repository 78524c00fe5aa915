/// What the command line of `dispatch` says, in both of its forms.
struct DispatchOptions: Sendable, Hashable {
    enum UnknownKeys: String, Sendable { case refuse, greet }
    enum Identity: String, Sendable { case command, environment }

    var positional: [String] = []
    var keys: String?
    var socket: String?
    var unknownKeys = UnknownKeys.refuse
    var identity = Identity.command
    /// No `command=` in the line: the account's login shell is the application.
    var isLoginShell = false
    /// NAME=PROGRAM, in order.
    var applications: [String] = []
    /// A file of applications.
    var applicationsFile: String?

    // Of the forced command.
    var login: String?
    var user: String?
    var isUnknown = false
    var fingerprint: String?
    var publicKey: String?

    var isHelp = false

    /// - Throws: `usage`, with the option that is wrong.
    init(_ arguments: some Sequence<String>) throws(DispatchError) {
        var rest = Array(arguments)[...]
        while let word = rest.popFirst() {
            guard word.hasPrefix("--") else {
                guard !word.hasPrefix("-") || word == "-" else {
                    if word == "-h" {
                        isHelp = true
                        continue
                    }
                    throw Self.unknown(word)
                }
                positional.append(word)
                continue
            }
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let name = parts[0]
            if parts.count == 1, setFlag(name) { continue }
            guard let value = parts.count == 2 ? parts[1] : rest.popFirst() else {
                throw DispatchError(.usage, "The option \(printable(name)) has no value.", hint: Self.seeHelp)
            }
            try set(name, value)
        }
    }

    private mutating func setFlag(_ name: String) -> Bool {
        switch name {
        case "--login-shell": isLoginShell = true
        case "--unknown": isUnknown = true
        case "--help": isHelp = true
        default: return false
        }
        return true
    }

    private mutating func set(_ name: String, _ value: String) throws(DispatchError) {
        switch name {
        case "--keys": keys = value
        case "--socket": socket = value
        case "--unknown-keys": unknownKeys = try Self.choice(name, value)
        case "--identity-by": identity = try Self.choice(name, value)
        case "--app": applications.append(value)
        case "--applications": applicationsFile = value
        case "--login": login = value
        case "--user": user = value
        case "--key": fingerprint = value
        case "--public-key": publicKey = value
        default: throw Self.unknown(name)
        }
    }

    private static func choice<Choice: RawRepresentable<String>>(
        _ name: String, _ value: String
    ) throws(DispatchError) -> Choice {
        guard let choice = Choice(rawValue: value) else {
            throw DispatchError(.usage, "\(name) does not take “\(printable(value))”.", hint: seeHelp)
        }
        return choice
    }

    private static func unknown(_ option: String) -> DispatchError {
        DispatchError(.usage, "There is no option \(printable(option)).", hint: seeHelp)
    }

    static let seeHelp = "See: copilot dispatch --help"
}

/// Text from outside for a terminal or a log: everything but printable ASCII is a question mark.
func printable(_ text: String) -> String {
    String(
        String.UnicodeScalarView(text.unicodeScalars.prefix(256).map { (0x20...0x7e).contains($0.value) ? $0 : "?" }))
}
