import Foundation
import Redaction

/// Every path by which an agent reads goes through here. A value keeps its number as long as the session lasts, so that an
/// agent can tell two of them apart.
extension AgentService {
    /// Bytes before and behind a part that are looked at, so that a part shows no half of a secret.
    static let redactionReach = 16 << 10

    /// Takes out what looks like a secret.
    func redact(_ text: String, _ session: AgentSession) -> (text: String, count: Int) {
        let result = session.redaction.redact(text)
        return (result.text, result.total)
    }

    /// The same for a part of bytes that stand between others.
    func redact(_ bytes: [UInt8], shown: Range<Int>, _ session: AgentSession) -> (bytes: [UInt8], count: Int) {
        let result = session.redaction.redact(bytes, shown: shown)
        return (result.bytes, result.total)
    }

    /// The same for a screen: lines that ran over the margin are one, and everything stays in its place but for what nobody could
    /// see there, which is written out.
    func redacted(_ screen: ScreenView, _ session: AgentSession) -> ScreenView {
        var screen = screen
        screen.title = words(screen.title, session)
        var bytes: [UInt8] = []
        var rows: [Range<Int>] = []
        for (index, line) in screen.lines.enumerated() {
            if index > 0, index >= screen.wraps.count || !screen.wraps[index] { bytes.append(UInt8(ascii: "\n")) }
            let begin = bytes.count
            bytes += line.utf8
            rows.append(begin..<bytes.count)
        }
        let shown = session.redaction.redactKeepingLength(bytes).bytes
        screen.lines = rows.map { VisibleText.marked(String(decoding: shown[$0], as: UTF8.self)) }
        return screen
    }

    /// The same for lines of a terminal, each by itself.
    func redacted(_ text: TerminalText, _ session: AgentSession) -> TerminalText {
        TerminalText(
            first: text.first, lines: text.lines.map { redact($0, session).text }, count: text.count,
            partial: redact(text.partial, session).text, isAlternate: text.isAlternate)
    }

    func redacted(_ waiting: WaitingView?, _ session: AgentSession) -> WaitingView? {
        waiting?.map { words($0, session) }
    }

    static func base64(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }
}
