/// Looks for a text in a recording: in the lines that were shown, the lines that were typed, and what happened beside
/// the terminal. Each hit has the moment at which its line was there.
public struct RecordingSearch: Sendable {
    /// Where a text was found.
    public enum Place: String, Sendable, Hashable, CaseIterable {
        case output
        case input
        /// A command that was run beside the terminal, as an agent does.
        case command
        case chat
        case marker
        case file
    }

    /// Which places count.
    public enum Scope: String, Sendable, Hashable, CaseIterable {
        case all
        case output
        /// What was typed or run: "who ran this?"
        case commands
        case chat
    }

    public struct Hit: Sendable, Hashable {
        /// Microseconds since the start of the recording.
        public let time: Int64
        public let place: Place
        /// Who typed, wrote or ran it; nil for output.
        public let actor: String?
        /// The line, cut around the text to `lineLimit` characters.
        public let line: String
    }

    /// How far a search got.
    public enum Progress: Sendable, Hashable {
        case finished
        /// It may go on at this moment.
        case stopped(at: Int64)
    }

    /// Characters of a line in a hit.
    public static let lineLimit = 240

    private let text: SearchText
    private let scope: Scope
    private var output: PlainText
    private var typed: [String: TypedText] = [:]
    private var found: [Hit] = []

    public init(_ text: SearchText, scope: Scope, columns: Int) {
        self.text = text
        self.scope = scope
        output = PlainText(columns: columns)
    }

    /// Looks through a recording.
    ///
    /// - Parameters:
    ///   - from: microseconds since the start; earlier lines do not count. Reading begins at the keyframe before.
    ///   - limit: hits, after which it stops.
    ///   - goesOn: asked now and then; false stops the search.
    public static func search(
        _ reader: RecordingReader, for text: SearchText, scope: Scope = .all, from: Int64 = 0, limit: Int = 100,
        while goesOn: () -> Bool = { true }
    ) throws(RecordingError) -> (hits: [Hit], progress: Progress) {
        var search = RecordingSearch(text, scope: scope, columns: reader.header.columns)
        var hits: [Hit] = []
        var events = from > 0 ? try reader.seek(to: from).following : reader.events()
        var count = 0
        while let event = try events.next() {
            count += 1
            let isOver = count.isMultiple(of: 64) && !goesOn()
            // Everything of one moment belongs together: a search stops between two.
            if isOver || hits.count >= limit, event.time > max(from, hits.last?.time ?? 0) {
                return (hits, .stopped(at: event.time))
            }
            for hit in search.feed(event) where hit.time >= from { hits.append(hit) }
        }
        hits += search.finish().filter { $0.time >= from }
        return (hits, .finished)
    }

    /// The hits in what an event finished.
    public mutating func feed(_ event: RecordingEvent) -> [Hit] {
        lastTime = max(lastTime, event.time)
        found.removeAll(keepingCapacity: true)
        switch event.kind {
        case .output(let bytes) where scope == .all || scope == .output: look(bytes, at: event.time)
        case .input(let bytes, let actor) where scope == .all || scope == .commands:
            for line in typed[actor, default: TypedText()].feed(bytes) { check(line, .input, actor, event.time) }
        case .command(let command, _, let actor) where scope == .all || scope == .commands:
            check(command, .command, actor, event.time)
        case .chat(let words, let actor) where scope == .all || scope == .chat:
            check(words, .chat, actor, event.time)
        case .marker(let label, let actor) where scope == .all: check(label, .marker, actor, event.time)
        case .file(let file, let actor) where scope == .all:
            check("\(file.operation) \(file.path)", .file, actor, event.time)
        default: break
        }
        return found
    }

    /// The hits in lines that never ended.
    public mutating func finish() -> [Hit] {
        found.removeAll()
        var last: [String] = []
        if scope == .all || scope == .output { output.rest { last.append($0) } }
        for line in last { check(line, .output, nil, lastTime) }
        for (actor, var line) in typed.sorted(by: { $0.key < $1.key }) {
            for rest in line.finish() { check(rest, .input, actor, lastTime) }
        }
        return found
    }

    private var lastTime: Int64 = 0

    private mutating func look(_ bytes: [UInt8], at time: Int64) {
        var lines: [String] = []
        output.eachLine(bytes) { line in if text.isIn(line) { lines.append(line) } }
        for line in lines { check(line, .output, nil, time) }
    }

    private mutating func check(_ line: String, _ place: Place, _ actor: String?, _ time: Int64) {
        guard let end = text.end(in: line) else { return }
        found.append(Hit(time: time, place: place, actor: actor, line: Self.cut(line, around: end)))
    }

    private static func cut(_ line: String, around end: Int) -> String {
        guard line.unicodeScalars.count > lineLimit else { return line }
        let bytes = line.utf8
        let before = max(0, min(end, bytes.count) - lineLimit / 2)
        let part = String(decoding: bytes.dropFirst(before).prefix(lineLimit), as: UTF8.self)
        // A cut within a character leaves a replacement at the edge, which is not the line's.
        let clean = part.unicodeScalars.drop { $0 == "\u{FFFD}" }
        return (before > 0 ? "…" : "") + String(String.UnicodeScalarView(clean)) + "…"
    }
}

/// Typed keys as the lines that they made, with what was erased taken out. Line editing beyond that is the shell's and
/// shows in its output.
struct TypedText: Sendable {
    private static let longest = 4096
    private var scalars: [Unicode.Scalar] = []
    private var parser = EscapeParser()

    /// The lines that these keys ended.
    mutating func feed(_ bytes: [UInt8]) -> [String] {
        var lines: [String] = []
        for byte in bytes {
            var token: EscapeParser.Token?
            // A byte can end a broken character and begin something else; the broken one typed nothing.
            parser.feed(byte) { token = $0 }
            if let token { take(token, &lines) }
        }
        return lines
    }

    private mutating func take(_ token: EscapeParser.Token, _ lines: inout [String]) {
        switch token {
        case .print(let scalar):
            if scalars.count < Self.longest, let scalar = Unicode.Scalar(scalar) { scalars.append(scalar) }
        case .control(0x08), .control(0x7F): _ = scalars.popLast()
        case .control(0x15): scalars.removeAll()
        case .control(0x17):
            while scalars.last == " " { scalars.removeLast() }
            while let last = scalars.last, last != " " { scalars.removeLast() }
        case .control(0x0D), .control(0x0A), .control(0x03), .control(0x04): end(&lines)
        default: break
        }
    }

    mutating func finish() -> [String] {
        var lines: [String] = []
        end(&lines)
        return lines
    }

    private mutating func end(_ lines: inout [String]) {
        if !scalars.isEmpty { lines.append(String(String.UnicodeScalarView(scalars))) }
        scalars.removeAll()
    }
}
