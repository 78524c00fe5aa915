import Foundation
import Redaction

extension AgentService {
    /// Takes out what looks like a secret, on every path by which an agent reads. A value keeps its number as long as the
    /// session lasts, so that an agent can tell two of them apart.
    func redact(_ text: String, _ session: AgentSession) -> (text: String, count: Int) {
        let result = session.redaction.redact(text)
        return (result.text, result.total)
    }

    /// The same for a screen.
    func redacted(_ screen: ScreenView, _ session: AgentSession) -> ScreenView {
        var screen = screen
        screen.lines = redact(screen.lines.joined(separator: "\n"), session).text.components(separatedBy: "\n")
        return screen
    }

    static func base64(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }
}
