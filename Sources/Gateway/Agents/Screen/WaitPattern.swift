import LinearPattern

/// What ends a wait at a terminal.
struct WaitPattern: Sendable {
    enum Kind: Sendable, Equatable {
        case text
        case prompt
        case quiet(Duration)
    }

    let kind: Kind
    private let pattern: LinearPattern?

    /// - Throws: 400 for a pattern that can't be matched in linear time, with what to write instead.
    init(_ wanted: TerminalInput.WaitFor) throws(GatewayError) {
        do throws(LinearPatternError) {
            switch wanted {
            case .literal(let text): (kind, pattern) = (.text, try LinearPattern(literal: text))
            case .pattern(let text): (kind, pattern) = (.text, try LinearPattern(text, anchorsMatchAtLines: true))
            case .prompt: (kind, pattern) = (.prompt, nil)
            case .quiet(let duration): (kind, pattern) = (.quiet(duration), nil)
            }
        } catch {
            throw GatewayError(error.code, status: 400, error.message, hint: error.hint, field: "waitFor")
        }
    }

    /// The first match in a text.
    func match(in text: String) -> String? {
        guard let range = pattern?.firstMatch(in: text) else { return nil }
        return String(text[range])
    }
}

/// Looks through a terminal's text as it grows, each line once, without the echo of what was typed.
struct TerminalScan: Sendable {
    /// Lines before the newest that a match may reach back over.
    private static let reach = 8

    private let pattern: WaitPattern
    private let mark: TypingMark
    private var echo: EchoFilter
    /// The next line of the transcript to read.
    private(set) var nextLine: Int
    /// Everything that was read, the unfinished line last.
    private(set) var lines: [String] = []
    private var finished: [String] = []
    private(set) var matched: String?

    init(mark: TypingMark, typed: [String], pattern: WaitPattern) {
        self.mark = mark
        self.pattern = pattern
        echo = EchoFilter(typed)
        nextLine = mark.line
    }

    /// - Parameter text: from ``nextLine`` on.
    mutating func read(_ text: TerminalText) {
        let before = finished.count
        for (index, line) in text.lines.enumerated() {
            finished.append(echo.finished(withoutPrefix(line, number: text.first + index)))
        }
        nextLine = text.count
        let partial = echo.unfinished(withoutPrefix(text.partial, number: text.count))
        if finished.count > 5000 { finished.removeFirst(finished.count - 4000) }
        lines = partial.isEmpty ? finished : finished + [partial]
        guard matched == nil else { return }
        let fresh = finished.suffix(max(0, finished.count - before) + Self.reach) + [partial]
        matched = pattern.match(in: fresh.joined(separator: "\n"))
    }

    /// The first line began before the wait: its beginning is no news.
    private func withoutPrefix(_ line: String, number: Int) -> String {
        guard number == mark.line, line.hasPrefix(mark.prefix) else { return line }
        return String(line.dropFirst(mark.prefix.count))
    }
}
