extension PersonTerminal {
    /// A line that somebody types in answer to a question; nil for an empty one, and where nobody is there to ask.
    public static func typedLine(_ question: String) -> String? {
        guard asks else { return nil }
        write(Array(question.utf8), to: 2)
        guard let line = readLine(strippingNewline: true), !line.isEmpty else { return nil }
        return line
    }
}
