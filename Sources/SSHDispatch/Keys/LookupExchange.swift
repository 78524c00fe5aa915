public import SSHKeys

/// What goes over the copilot's lookup socket: one line there, one line back, and the end.
///
///     copilot-lookup-1 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI…
///     known ada
///
/// Nothing else can be asked: the socket changes nothing and tells nothing but a name.
public enum LookupExchange {
    /// The longest line either way, in bytes: an RSA key of 8192 bits fits.
    public static let maximumLine = 4096

    /// A question without its line feed.
    public static func question(_ key: SSHPublicKey) -> String { "copilot-lookup-1 " + key.authorizedKeysLine() }

    /// The key that a line asks for; nil for any other line.
    public static func key(_ question: String) -> SSHPublicKey? {
        let words = question.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        guard words.count == 3, words[0] == "copilot-lookup-1" else { return nil }
        return try? OfferedKey(type: words[1], base64: words[2]).key
    }

    /// What was found, as a line says it.
    public enum Answer: Sendable, Hashable {
        case known(PersonName)
        case unknown
        /// It cannot be found out now.
        case failed

        public var line: String {
            switch self {
            case .known(let name): "known \(name)"
            case .unknown: "unknown"
            case .failed: "failed"
            }
        }

        /// nil for any other line.
        public init?(line: String) {
            switch line {
            case "unknown": self = .unknown
            case "failed": self = .failed
            default:
                guard line.hasPrefix("known "), let name = PersonName(line.dropFirst("known ".count)) else {
                    return nil
                }
                self = .known(name)
            }
        }
    }
}
