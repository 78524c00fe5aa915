// Tab at the prompt: names of commands, of the host's files and of this machine's.

import SFTP

struct FileCompletion {
    /// What stands before the cursor asks for.
    enum Wanted: Hashable {
        case command(String)
        case remote, local
    }

    let line: String
    private let words: CommandWords
    /// What is completed; empty behind a blank.
    let word: CommandWord

    init(_ line: String) {
        self.line = line
        words = CommandWords(Array(line.utf8))
        word = words.endsInWord ? words.words.last ?? CommandWord() : CommandWord()
    }

    /// nil where nothing can be completed.
    var wanted: Wanted? {
        let before = words.endsInWord ? words.words.dropLast() : words.words[...]
        guard let command = before.first?.text.lowercased() else { return .command(word.text) }
        // Letters do not count.
        let place = before.dropFirst().filter { $0.bytes.first != UInt8(ascii: "-") }.count
        switch command.drop(while: { $0 == "-" || $0 == "@" }) {
        case "put", "mput", "reput": return place == 0 ? .local : place == 1 ? .remote : nil
        case "get", "mget", "reget": return place == 0 ? .remote : place == 1 ? .local : nil
        case "lcd", "lls", "lmkdir": return .local
        case "chmod", "chown", "chgrp": return place == 1 ? .remote : nil
        case "cd", "ls", "dir", "rm", "rmdir", "mkdir", "df": return place == 0 ? .remote : nil
        case "rename", "ln", "symlink", "copy", "cp": return place < 2 ? .remote : nil
        default: return nil
        }
    }

    /// The folder of the word and the beginning of the name that is looked for in it.
    var parts: (folder: RemotePath, beginning: [UInt8]) {
        guard let slash = word.bytes.lastIndex(of: UInt8(ascii: "/")) else { return (RemotePath(""), word.bytes) }
        return (RemotePath(bytes: Array(word.bytes[...slash])), Array(word.bytes[(slash + 1)...]))
    }

    /// One name that fits.
    struct Candidate: Hashable {
        var name: String
        var isFolder: Bool
    }

    /// Of all names those that fit. A name that cannot be typed is left out.
    func candidates(_ names: [(name: RemotePath, isFolder: Bool)]) -> [Candidate] {
        let beginning = parts.beginning
        return names.compactMap { name, isFolder in
            guard name.isSafeComponent, name.bytes.starts(with: beginning),
                beginning.first == UInt8(ascii: ".") || name.bytes.first != UInt8(ascii: "."),
                let text = String(validating: name.bytes, as: UTF8.self), Printable.line(text) == text,
                !text.contains("\t")
            else { return nil }
            return Candidate(name: text, isFolder: isFolder)
        }.sorted { $0.name < $1.name }
    }

    /// What the line becomes; nil when nothing fits.
    func completion(_ candidates: [Candidate]) -> PromptCompletion? {
        guard let first = candidates.first else { return nil }
        let common = candidates.dropFirst().reduce(first.name) { $0.commonPrefix(with: $1.name) }
        let folder = String(decoding: parts.folder.bytes, as: UTF8.self)
        let quote = openingQuote
        // A tilde stays one for the host to expand; everything else that means something is quoted.
        var text = quote.map { String($0) } ?? ""
        text += Self.quoted(folder + common, in: quote, keepsTilde: word.isQuoted.first == false)
        if candidates.count == 1 { text += first.isFolder ? "/" : (quote.map { String($0) } ?? "") + " " }
        return PromptCompletion(
            start: start, text: text, candidates: candidates.map { $0.name + ($0.isFolder ? "/" : "") })
    }

    func completion(ofCommand beginning: String) -> PromptCompletion? {
        let found = FileCommandLine.names.filter { $0.hasPrefix(beginning.lowercased()) && $0.first?.isLetter == true }
        guard let first = found.first else { return nil }
        let common = found.dropFirst().reduce(first) { $0.commonPrefix(with: $1) }
        return PromptCompletion(start: start, text: found.count == 1 ? common + " " : common, candidates: found)
    }

    /// In characters of the line.
    private var start: Int {
        let end = words.endsInWord ? words.lastStart : line.utf8.count
        return String(decoding: Array(line.utf8.prefix(end)), as: UTF8.self).count
    }

    /// The quote that the word begins with and that is still open.
    private var openingQuote: Character? {
        guard words.endsInWord, let open = words.openQuote else { return nil }
        return Character(UnicodeScalar(open))
    }

    static func quoted(_ name: String, in quote: Character?, keepsTilde: Bool) -> String {
        var text = ""
        for (index, character) in name.enumerated() {
            if let quote {
                if character == quote || character == "\\" { text += "\\" }
            } else if " \t'\"\\*?[#".contains(character) || character == "~" && index == 0 && !keepsTilde {
                text += "\\"
            }
            text.append(character)
        }
        return text
    }
}

extension String {
    fileprivate func commonPrefix(with other: String) -> String {
        String(zip(self, other).prefix { $0 == $1 }.map(\.0))
    }
}

extension FilePrompt {
    /// What a Tab behind `line` brings.
    func complete(_ line: String) async -> PromptCompletion? {
        let completion = FileCompletion(line)
        switch completion.wanted {
        case nil: return nil
        case .command(let beginning): return completion.completion(ofCommand: beginning)
        case .remote:
            let path = completion.parts.folder
            guard let folder = try? await absolute(path.bytes.isEmpty ? CommandWord(".") : completion.folderWord),
                let entries = try? await client.list(folder).all(limit: 20_000)
            else { return nil }
            var names: [(name: RemotePath, isFolder: Bool)] = []
            for entry in entries { names.append((entry.name, entry.attributes.kind == .directory)) }
            var found = completion.candidates(names)
            // A link to a folder goes on like one.
            if found.count == 1, !found[0].isFolder {
                let target = try? await client.attributes(of: folder.adding(RemotePath(found[0].name)))
                found[0].isFolder = target?.kind == .directory
            }
            return completion.completion(found)
        case .local:
            let names = LocalNames(folder: localFolder)
            let folder = completion.parts.folder.withHome(environment)
            guard let entries = try? await names.names(in: folder) else { return nil }
            let found = entries.map { (name: $0, isFolder: localFolder.isFolder(folder.adding($0))) }
            return completion.completion(completion.candidates(found))
        }
    }
}

extension FileCompletion {
    /// The word's folder as a word, quoted where it was.
    var folderWord: CommandWord {
        var folder = word
        folder.bytes = parts.folder.bytes
        folder.isQuoted = Array(folder.isQuoted.prefix(folder.bytes.count))
        return folder
    }
}
