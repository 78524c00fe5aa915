import SSHDispatch

/// What a command without a terminal is for, as far as its recording and the permissions on files are concerned.
public enum CommandKind: Sendable, Hashable {
    /// Its output is for people, or might be.
    case general
    /// The host's end of a program that carries files: what passes is not text. `scp`, `rsync`, `git` and the like.
    case transfer(reads: Bool, writes: Bool)

    /// Of a command line. Whatever a shell could read as more than one plain command counts as general, so that nothing
    /// hides behind a transfer.
    public init(_ commandLine: String) {
        guard !commandLine.utf8.contains(where: Self.isOperator), let words = try? ShellWords.parse(commandLine),
            let program = words.first
        else {
            self = .general
            return
        }
        let name = program.split(separator: "/").last.map(String.init) ?? program
        self = Self.transfer(name, Array(words.dropFirst())) ?? .general
    }

    private static func isOperator(_ byte: UInt8) -> Bool { ";&|<>()$`\n".utf8.contains(byte) }

    private static func transfer(_ name: String, _ words: [String]) -> CommandKind? {
        switch name {
        case "scp":
            // The host's end of the old protocol (-t to, -f from); a plain scp at the host is a command like others.
            if isFlag("t", in: words) { return .transfer(reads: false, writes: true) }
            return isFlag("f", in: words) ? .transfer(reads: true, writes: false) : nil
        case "rsync":
            guard words.first == "--server" else { return nil }
            return words.dropFirst().first == "--sender"
                ? .transfer(reads: true, writes: words.contains("--remove-source-files"))
                : .transfer(reads: false, writes: true)
        case "git-upload-pack", "git-upload-archive": return .transfer(reads: true, writes: false)
        case "git-receive-pack": return .transfer(reads: true, writes: true)
        case "git":
            guard let subcommand = words.first else { return nil }
            return transfer("git-" + subcommand, Array(words.dropFirst()))
        case "sftp-server", "internal-sftp": return .transfer(reads: true, writes: true)
        default: return nil
        }
    }

    private static func isFlag(_ letter: Character, in words: [String]) -> Bool {
        words.prefix { $0.hasPrefix("-") && $0 != "--" }.contains { $0.contains(letter) && !$0.hasPrefix("--") }
    }
}
