import Foundation
public import Recording

/// What is to be recorded, and into which file.
public struct RecordingRequest: Sendable {
    /// The program and its arguments, looked up in PATH.
    public var command: [String]
    public var file: String
    public var options: TerminalRecorder.Options
    public var title: String?
    /// Seconds; noted in the file for players.
    public var idleLimit: Double?

    public init(
        command: [String], file: String, options: TerminalRecorder.Options = .init(), title: String? = nil,
        idleLimit: Double? = nil
    ) {
        self.command = command
        self.file = file
        self.options = options
        self.title = title
        self.idleLimit = idleLimit
    }

    /// "recording-20261121-093500.cast", in the folder where we are.
    public static func defaultFile(now: Date = Date()) -> String {
        let format = DateFormatter()
        format.locale = Locale(identifier: "en_US_POSIX")
        format.dateFormat = "yyyyMMdd-HHmmss"
        return "recording-\(format.string(from: now)).cast"
    }

    /// The header of a file whose terminal is so large.
    func header(columns: Int, rows: Int, environment: [String: String]) -> AsciicastHeader {
        AsciicastHeader(
            columns: columns, rows: rows, startedAt: Int64(Date().timeIntervalSince1970), title: title,
            command: command.joined(separator: " "), idleLimit: idleLimit,
            environment: environment.filter { ["TERM", "SHELL"].contains($0.key) })
    }
}
