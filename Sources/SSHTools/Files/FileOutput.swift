#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Where the file tools write. Every line is made harmless on its way: names come from hosts.
public struct FileOutput: Sendable {
    private let line: @Sendable (String) -> Void
    private let failure: @Sendable (String) -> Void
    /// Columns of the terminal; nil when there is none.
    let columns: @Sendable () -> Int?

    init(
        line: @escaping @Sendable (String) -> Void, failure: @escaping @Sendable (String) -> Void,
        columns: @escaping @Sendable () -> Int?
    ) {
        (self.line, self.failure, self.columns) = (line, failure, columns)
    }

    /// Standard output and standard error.
    public static let standard = FileOutput(
        line: { PersonTerminal.print($0) }, failure: { PersonTerminal.error($0) }, columns: { TerminalSize.columns() })

    func print(_ text: String) { line(Printable.line(text)) }
    func error(_ text: String) { failure(Printable.line(text)) }
}
