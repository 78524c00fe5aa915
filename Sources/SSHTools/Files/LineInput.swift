/// Lines of a file, a pipe, or a terminal that has no editing.
final class LineInput {
    /// A line that is longer is cut there: no command is.
    private static let maximumLine = 1 << 20

    private let input: TerminalInput
    private var buffer: [UInt8] = []
    private var hasEnded = false

    /// - Parameter descriptor: Stays the caller's.
    init(_ descriptor: Int32) { input = TerminalInput(descriptor, watchesSize: false) }

    var wake: @Sendable () -> Void {
        let input = input
        return { input.wake() }
    }

    /// The next line without its end; nil when there is none any more.
    func next() async -> String? {
        while true {
            if let end = buffer.firstIndex(of: 10) {
                defer { buffer.removeSubrange(...end) }
                return Self.line(buffer[..<end])
            }
            if hasEnded || buffer.count > Self.maximumLine {
                guard !buffer.isEmpty else { return nil }
                defer { buffer = [] }
                return Self.line(buffer[...])
            }
            if case .bytes(let more) = await input.next() { buffer += more } else { hasEnded = true }
        }
    }

    private static func line(_ bytes: ArraySlice<UInt8>) -> String {
        String(decoding: bytes.last == 13 ? bytes.dropLast() : bytes, as: UTF8.self)
    }
}
