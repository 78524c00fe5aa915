/// Why a line cannot be taken apart into words.
public struct ShellWordsError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Stable for machines.
    public enum Code: String, Sendable, Hashable {
        case openSingleQuote = "open_single_quote"
        case openDoubleQuote = "open_double_quote"
        /// The line ends in a backslash.
        case openEscape = "open_escape"
        /// A zero byte, which no program can be given.
        case nul
    }

    public let code: Code
    /// One sentence for people.
    public let description: String
    /// What to do about it.
    public let hint: String

    static let openSingleQuote = ShellWordsError(
        code: .openSingleQuote, description: "The command has an opening ' without its closing one.",
        hint: "Close it, or write \\' for the character itself. Your own shell takes one layer of quotes away.")

    static let openDoubleQuote = ShellWordsError(
        code: .openDoubleQuote, description: "The command has an opening \" without its closing one.",
        hint: "Close it, or write \\\" for the character itself. Your own shell takes one layer of quotes away.")

    static let openEscape = ShellWordsError(
        code: .openEscape, description: "The command ends in a backslash.",
        hint: "Remove it, or write \\\\ for the character itself.")

    static let nul = ShellWordsError(
        code: .nul, description: "The command holds a zero byte.", hint: "Send text.")
}
