/// Why a key was not looked up, or a visit not begun. Its status says of which kind it is, as sysexits(3) numbers them.
public struct DispatchError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The exit status.
    public enum Status: Int32, Sendable, Hashable {
        /// Wrong use: of the command line, or of the application.
        case usage = 64
        /// It cannot be done now; the same may work later.
        case temporary = 75
        /// No: it will not work later either.
        case refused = 77
        /// What the administrator wrote cannot be used.
        case configuration = 78
    }

    public let status: Status
    /// One sentence for people.
    public let description: String
    /// What to do about it.
    public let hint: String

    public init(_ status: Status, _ description: String, hint: String) {
        self.status = status
        self.description = description
        self.hint = hint
    }
}
