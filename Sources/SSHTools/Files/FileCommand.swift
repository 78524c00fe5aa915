// The commands of the prompt, with OpenSSH's names, letters and orders of arguments.

import SFTP

/// What a line at the prompt asks for.
enum FileCommand: Hashable {
    struct TransferFlags: Hashable {
        var isRecursive = false
        var preserves = false
        var resumes = false
        var synchronises = false
    }

    struct ListFlags: Hashable {
        var isLong = false, isNumeric = false, isOneColumn = false, showsHidden = false, isHumanReadable = false
        var isUnsorted = false, isReversed = false, sortsBySize = false, sortsByTime = false
    }

    case nothing
    case changeFolder(CommandWord?), changeLocalFolder(CommandWord?)
    case printFolder, printLocalFolder
    case list(CommandWord?, ListFlags)
    case makeFolder(CommandWord), makeLocalFolder(CommandWord), removeFolder(CommandWord)
    case remove(CommandWord)
    case rename(CommandWord, CommandWord, isPlain: Bool)
    case link(existing: CommandWord, CommandWord, isSymbolic: Bool)
    case setMode(CommandWord, mode: UInt32, followsLink: Bool)
    case setOwner(CommandWord, UInt32, followsLink: Bool), setGroup(CommandWord, UInt32, followsLink: Bool)
    case get(CommandWord, CommandWord?, TransferFlags), put(CommandWord, CommandWord?, TransferFlags)
    case copy(CommandWord, CommandWord)
    case statistics(CommandWord?, isHumanReadable: Bool, showsFiles: Bool)
    case toggleProgress, version, help, quit
    /// By the local shell; nil starts one to work in.
    case shell(String?)
    case setLocalMask(UInt32)
}

/// A line of the prompt or of a batch file.
struct FileCommandLine: Hashable {
    var command: FileCommand
    /// "-": a failure does not end the batch.
    var ignoresFailure = false
    /// "@": the line is not shown.
    var isSilent = false

    init(_ line: String) throws(CommandLineError) {
        var rest = Substring(line).drop { $0.isWhitespace }
        while let first = rest.first, first == "-" || first == "@" {
            if first == "-" { ignoresFailure = true } else { isSilent = true }
            rest = rest.dropFirst().drop { $0.isWhitespace }
        }
        // What the local shell gets is its own language.
        if rest.first == "!" {
            let line = rest.dropFirst().trimmed
            command = .shell(line.isEmpty ? nil : line)
            return
        }
        let words = try CommandWords.split(String(rest))
        guard let name = words.first else {
            command = .nothing
            return
        }
        if name.text.lowercased() == "lls" {
            let arguments = rest.drop { !$0.isWhitespace }.trimmed
            command = .shell("ls" + (arguments.isEmpty ? "" : " " + arguments))
            return
        }
        command = try Self.command(name.text, words.dropFirst())
    }

    static let names = [
        "!", "?", "bye", "cd", "chgrp", "chmod", "chown", "copy", "cp", "df", "exit", "get", "help", "lcd", "lls",
        "lmkdir", "ln", "lpwd", "ls", "lumask", "mget", "mkdir", "mput", "progress", "put", "pwd", "quit", "reget",
        "rename", "reput", "rm", "rmdir", "symlink", "version",
    ]

    private static func command(
        _ name: String, _ words: ArraySlice<CommandWord>
    ) throws(CommandLineError) -> FileCommand {
        var arguments = CommandArguments(name: name.lowercased(), words: words)
        switch arguments.name {
        case "cd": return .changeFolder(try arguments.optional())
        case "lcd": return .changeLocalFolder(try arguments.optional())
        case "pwd": return try arguments.none(.printFolder)
        case "lpwd": return try arguments.none(.printLocalFolder)
        case "ls", "dir": return try list(&arguments)
        case "get", "mget", "reget", "put", "mput", "reput": return try transfer(&arguments)
        case "mkdir": return .makeFolder(try arguments.one("a path"))
        case "lmkdir": return .makeLocalFolder(try arguments.one("a path"))
        case "rmdir": return .removeFolder(try arguments.one("a path"))
        case "rm", "delete": return .remove(try arguments.one("a path"))
        case "rename", "mv":
            let isPlain = try arguments.flags("l").contains("l")
            let (old, new) = try arguments.two("an old and a new name")
            return .rename(old, new, isPlain: isPlain)
        case "ln", "symlink":
            let flags = try arguments.flags("s")
            let (existing, link) = try arguments.two("an existing path and a new name")
            return .link(existing: existing, link, isSymbolic: arguments.name == "symlink" || flags.contains("s"))
        case "copy", "cp":
            let (old, new) = try arguments.two("an old and a new path")
            return .copy(old, new)
        case "chmod", "chown", "chgrp": return try change(&arguments)
        case "df":
            let flags = try arguments.flags("hi")
            let path = try arguments.optional()
            return .statistics(path, isHumanReadable: flags.contains("h"), showsFiles: flags.contains("i"))
        case "lumask": return .setLocalMask(try octal(try arguments.one("a mask")))
        case "progress": return try arguments.none(.toggleProgress)
        case "version": return try arguments.none(.version)
        case "help", "?": return .help
        case "bye", "exit", "quit": return .quit
        default: throw CommandLineError("There is no command '\(Printable.line(name))'; 'help' lists them all.")
        }
    }

    private static func list(_ arguments: inout CommandArguments) throws(CommandLineError) -> FileCommand {
        let letters = try arguments.flags("1aflhnrSt")
        var flags = FileCommand.ListFlags()
        flags.isLong = letters.contains("l") || letters.contains("n")
        flags.isNumeric = letters.contains("n")
        flags.isOneColumn = letters.contains("1")
        flags.showsHidden = letters.contains("a")
        flags.isHumanReadable = letters.contains("h")
        flags.isUnsorted = letters.contains("f")
        flags.isReversed = letters.contains("r")
        flags.sortsBySize = letters.contains("S")
        flags.sortsByTime = letters.contains("t")
        return .list(try arguments.optional(), flags)
    }

    private static func transfer(_ arguments: inout CommandArguments) throws(CommandLineError) -> FileCommand {
        let letters = try arguments.flags("afpPrR")
        var flags = FileCommand.TransferFlags()
        flags.resumes = letters.contains("a") || arguments.name.hasPrefix("re")
        flags.synchronises = letters.contains("f")
        flags.preserves = letters.contains("p") || letters.contains("P")
        flags.isRecursive = letters.contains("r") || letters.contains("R")
        let (source, target) = try arguments.oneOrTwo("a path")
        return arguments.name.hasSuffix("get") ? .get(source, target, flags) : .put(source, target, flags)
    }

    private static func change(_ arguments: inout CommandArguments) throws(CommandLineError) -> FileCommand {
        let followsLink = !(try arguments.flags("h").contains("h"))
        let (value, path) = try arguments.two(arguments.name == "chmod" ? "a mode and a path" : "a number and a path")
        if arguments.name == "chmod" { return .setMode(path, mode: try octal(value), followsLink: followsLink) }
        guard let number = UInt32(value.text) else {
            throw CommandLineError("\(arguments.name) needs a number: names of accounts are the host's own.")
        }
        return arguments.name == "chown"
            ? .setOwner(path, number, followsLink: followsLink) : .setGroup(path, number, followsLink: followsLink)
    }

    private static func octal(_ word: CommandWord) throws(CommandLineError) -> UInt32 {
        guard let mode = UInt32(word.text, radix: 8), mode <= 0o7777 else {
            throw CommandLineError("'\(Printable.line(word.text))' is no mode: it is octal, as 644.")
        }
        return mode
    }
}

/// The words behind a command's name: letters first, then paths.
private struct CommandArguments {
    let name: String
    var words: ArraySlice<CommandWord>

    mutating func flags(_ known: String) throws(CommandLineError) -> Set<Character> {
        var found: Set<Character> = []
        while let word = words.first, word.bytes.count > 1, word.bytes.first == UInt8(ascii: "-"), !word.isQuoted[0] {
            words.removeFirst()
            if word.text == "--" { break }
            for letter in word.text.dropFirst() {
                guard known.contains(letter) else {
                    throw CommandLineError("\(name) has no flag -\(Printable.line(String(letter))).")
                }
                found.insert(letter)
            }
        }
        return found
    }

    mutating func optional() throws(CommandLineError) -> CommandWord? {
        if let word = words.first, word.text == "--" { words.removeFirst() }
        guard words.count <= 1 else { throw CommandLineError("\(name) takes one path; quote a name with blanks.") }
        return words.first
    }

    mutating func one(_ what: String) throws(CommandLineError) -> CommandWord {
        guard let word = try optional(), !word.bytes.isEmpty else { throw CommandLineError("\(name) needs \(what).") }
        return word
    }

    func two(_ what: String) throws(CommandLineError) -> (CommandWord, CommandWord) {
        guard words.count == 2, let first = words.first, let last = words.last, !first.bytes.isEmpty,
            !last.bytes.isEmpty
        else { throw CommandLineError("\(name) needs \(what).") }
        return (first, last)
    }

    func oneOrTwo(_ what: String) throws(CommandLineError) -> (CommandWord, CommandWord?) {
        guard let first = words.first, !first.bytes.isEmpty else { throw CommandLineError("\(name) needs \(what).") }
        guard words.count <= 2 else {
            throw CommandLineError("\(name) takes a source and a target; quote names with blanks.")
        }
        return (first, words.count == 2 ? words.last : nil)
    }

    func none(_ command: FileCommand) throws(CommandLineError) -> FileCommand {
        guard words.isEmpty else { throw CommandLineError("\(name) takes no argument.") }
        return command
    }
}

extension Substring {
    fileprivate var trimmed: String {
        String(drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed())
    }
}
