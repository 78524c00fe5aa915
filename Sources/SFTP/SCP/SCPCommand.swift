/// A client's `scp -f …` or `scp -t …`, for a server that answers it itself instead of starting a program.
public struct SCPCommand: Sendable, Hashable {
    /// Whether the client wants to send (`-t`); else it wants to receive (`-f`).
    public var receives: Bool
    public var options: SCPOptions
    public var path: RemotePath

    /// - Parameter commandLine: What the client asked to be executed.
    /// - Returns: nil for anything that is not exactly such a command: it is for a shell, or for nobody.
    public init?(_ commandLine: String) {
        guard let words = Self.words(Array(commandLine.utf8)), words.first == Array("scp".utf8) else { return nil }
        var options = SCPOptions()
        var direction: Bool?
        var paths: [[UInt8]] = []
        var areOptionsOver = false
        for word in words.dropFirst() {
            guard !areOptionsOver, word.first == UInt8(ascii: "-"), word.count > 1 else {
                paths.append(word)
                areOptionsOver = true
                continue
            }
            if word == Array("--".utf8) {
                areOptionsOver = true
                continue
            }
            for letter in word.dropFirst() {
                switch letter {
                case UInt8(ascii: "f"), UInt8(ascii: "t"):
                    let receives = letter == UInt8(ascii: "t")
                    guard direction == nil || direction == receives else { return nil }
                    direction = receives
                case UInt8(ascii: "r"): options.isRecursive = true
                case UInt8(ascii: "p"): options.preserves = true
                case UInt8(ascii: "d"): options.targetsDirectory = true
                case UInt8(ascii: "v"), UInt8(ascii: "q"): break
                default: return nil
                }
            }
        }
        guard let direction, paths.count == 1, let path = paths.first, !path.isEmpty else { return nil }
        receives = direction
        self.options = options
        self.path = RemotePath(bytes: path)
    }

    /// Does what the client asked.
    @discardableResult
    public func run(
        _ stream: any SCPStream, fileSystem: any SFTPFileSystem,
        configuration: SFTPServerConfiguration = SFTPServerConfiguration()
    ) async throws(SFTPError) -> TransferSummary {
        if receives {
            return try await SCPSink(
                stream, fileSystem: fileSystem, configuration: configuration, options: options
            ).receive(into: path)
        }
        return try await SCPSource(stream, fileSystem: fileSystem, configuration: configuration, options: options)
            .send(path)
    }

    /// The command that a client sends, with the path quoted for a shell.
    static func line(_ direction: String, _ options: SCPOptions, _ path: RemotePath) -> String {
        var letters = ""
        if options.isRecursive { letters += " -r" }
        if options.preserves { letters += " -p" }
        if options.targetsDirectory { letters += " -d" }
        let quoted =
            options.expandsPattern && direction == "f"
            ? quotedPattern(path.bytes)
            : "'"
                + String(decoding: path.bytes, as: UTF8.self).split(
                    separator: "'", omittingEmptySubsequences: false
                ).joined(separator: "'\\''") + "'"
        return "scp\(letters) -\(direction) -- \(quoted)"
    }

    /// Everything is quoted but what makes a pattern, and a "~" with a user's name at the beginning.
    private static func quotedPattern(_ path: [UInt8]) -> String {
        var quoted: [UInt8] = []
        var isEscaped = false
        for (index, byte) in path.enumerated() {
            let isPlain =
                UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte || UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte
                || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte || byte >= 0x80
                || "/._-+,:@%".utf8.contains(byte)
            if isEscaped {
                quoted += byte == 10 ? Array("'\n'".utf8) : [UInt8(ascii: "\\"), byte]
                isEscaped = false
            } else if byte == UInt8(ascii: "\\"), index + 1 < path.count {
                isEscaped = true
            } else if isPlain || "*?[]!^".utf8.contains(byte) || byte == UInt8(ascii: "~") && index == 0 {
                quoted.append(byte)
            } else {
                // A backslash before a line feed would take it away.
                quoted += byte == 10 ? Array("'\n'".utf8) : [UInt8(ascii: "\\"), byte]
            }
        }
        return String(decoding: quoted, as: UTF8.self)
    }

    /// Splits as a shell does, with its three ways of quoting; nil for what only a shell could mean.
    private static func words(_ line: [UInt8]) -> [[UInt8]]? {
        var words: [[UInt8]] = []
        var word: [UInt8]?
        var quote: UInt8?
        var isEscaped = false
        for byte in line {
            if isEscaped {
                word = (word ?? []) + [byte]
                isEscaped = false
            } else if byte == UInt8(ascii: "\\"), quote != UInt8(ascii: "'") {
                isEscaped = true
            } else if let open = quote {
                if byte == open { quote = nil } else { word = (word ?? []) + [byte] }
            } else if byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\"") {
                quote = byte
                word = word ?? []
            } else if byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") {
                if let done = word { words.append(done) }
                word = nil
            } else if ";&|<>()$`\n\0".utf8.contains(byte) {
                return nil
            } else {
                word = (word ?? []) + [byte]
            }
        }
        guard quote == nil, !isEscaped else { return nil }
        return words + (word.map { [$0] } ?? [])
    }
}
