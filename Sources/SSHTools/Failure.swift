/// Why a subcommand could not do what it was asked: a sentence, what to do next, and the exit status.
public struct Failure: Error {
    /// See `copilot --help`.
    public enum Status: Int32, Sendable {
        case foundWrong = 1
        case couldNot = 2
        case configuration = 78
    }

    public let status: Status
    public let sentence: String
    public let hint: String

    public init(_ sentence: String, hint: String, status: Status = .couldNot) {
        self.sentence = sentence
        self.hint = hint
        self.status = status
    }
}
