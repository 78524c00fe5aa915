import NIOCore

/// What a person is asked about, as exactly as it will happen: the text, where, and what it gets to read. Who allows "this very text"
/// allows this deed: the same words in another folder, or with other input, are another.
struct AgentDeed: Sendable {
    /// A command, as it is judged.
    let text: String
    /// Nil: the account's own.
    var folder: String?
    /// What a command reads, or a file is to hold.
    var input: [UInt8] = []
    /// More input may follow while it runs.
    var isOpen = false

    private static let longestShown = 2000

    init(_ text: String, folder: String? = nil, input: [UInt8] = [], isOpen: Bool = false) {
        self.text = text
        self.folder = folder
        self.input = input
        self.isOpen = isOpen
    }

    /// The same for the same deed, and for no other.
    var key: String {
        guard folder != nil || !input.isEmpty || isOpen else { return text }
        var hash = FlowingHash()
        hash.add(ByteBuffer(bytes: input))
        return [text, folder ?? "", hash.hexadecimal, isOpen ? "open" : ""].joined(separator: "\u{0}")
    }

    /// Its input for a person: a script that a shell is to read is the command itself.
    var shownInput: String? {
        guard !input.isEmpty else { return isOpen ? "(it is sent while the command runs)" : nil }
        guard !CommandOutput.isBinary(Array(input.prefix(Self.longestShown))) else {
            return "(\(input.count) bytes that are no text)"
        }
        let shown = String(decoding: CompleteText.prefix(Array(input.prefix(Self.longestShown))), as: UTF8.self)
        let rest = input.count - shown.utf8.count
        return shown + (rest > 0 ? "\n(… and \(rest) bytes more)" : "") + (isOpen ? "\n(… and more while it runs)" : "")
    }
}
