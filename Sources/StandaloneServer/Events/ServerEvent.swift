import NIOCore
import SSHProtocol

/// Something that happened at the server, for its log.
public struct ServerEvent: Sendable {
    public enum Name: String, Sendable {
        case started, listening, draining, stopped, reloaded, warning
        case connected, disconnected
        /// A connection that was not taken in.
        case turnedAway = "turned_away"
        case signInRefused = "sign_in_refused"
        case signedIn = "signed_in"
        case sessionStarted = "session_started"
        case sessionEnded = "session_ended"
        case sessionRefused = "session_refused"
        case forwardOpened = "forward_opened"
        case forwardRefused = "forward_refused"
        case listenOpened = "listen_opened"
        case listenRefused = "listen_refused"
    }

    public enum Value: Sendable, Hashable {
        case text(String)
        case number(Int)
    }

    public let name: Name
    /// In the order in which they are shown; no name comes twice.
    public let fields: [(name: String, value: Value)]

    /// - Parameter fields: Texts may come from outside: the log neutralises them. Those that are nil are left out.
    public init(_ name: Name, _ fields: [(String, Value?)] = []) {
        self.name = name
        self.fields = fields.compactMap { field in field.1.map { (field.0, $0) } }
    }
}

extension ServerEvent.Value: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
    public init(stringLiteral value: String) { self = .text(value) }
    public init(integerLiteral value: Int) { self = .number(value) }
}

extension Optional where Wrapped == ServerEvent.Value {
    static func text(_ text: String?) -> ServerEvent.Value? { text.map { .text($0) } }
    static func number(_ number: Int?) -> ServerEvent.Value? { number.map { .number($0) } }
}
