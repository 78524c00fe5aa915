public import SSH

/// Why a subcommand could not do what it was asked: a sentence, what to do next, and the exit status.
public struct Failure: Error {
    /// See `copilot --help`.
    public enum Status: Int32, Sendable {
        case foundWrong = 1
        case couldNot = 2
        case configuration = 78
        /// `copilot ssh` and its like, so that it is told apart from what a remote command says.
        case connection = 255
    }

    public let status: Status
    public let sentence: String
    public let hint: String
    /// The engine's name for it, where it comes from there.
    public internal(set) var cause: SSHError.Code?
    /// Whether trying again may help: nothing answered, or not in time.
    var mayPass = false

    public init(_ sentence: String, hint: String, status: Status = .couldNot) {
        self.sentence = sentence
        self.hint = hint
        self.status = status
    }
}
