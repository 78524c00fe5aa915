import Gateway
import SSHProtocol

/// A line of the menu: a host to begin a session at, or a session that goes on.
///
/// What hosts and other people say is neutralised here, once: no control byte reaches the person's terminal.
struct MenuEntry: Sendable, Hashable {
    enum Target: Sendable, Hashable {
        case host(alias: String)
        case session(id: String)
    }

    let target: Target
    let name: String
    /// "production", "your session", …
    let kind: String
    /// What else may help to recognise it.
    let detail: String
    let isProduction: Bool

    init(target: Target, name: String, kind: String, detail: String, isProduction: Bool = false) {
        self.target = target
        self.name = Self.harmless(name)
        self.kind = Self.harmless(kind)
        self.detail = Self.harmless(detail)
        self.isProduction = isProduction
    }

    init(_ host: HostView) {
        let tags = host.tags.map { "#" + $0 }.joined(separator: " ")
        self.init(
            target: .host(alias: host.alias), name: host.alias, kind: host.environment.rawValue,
            detail: [host.purpose, tags].filter { !$0.isEmpty }.joined(separator: "  "),
            isProduction: host.environment == .production)
    }

    init(_ session: SessionView, of caller: Caller) {
        let seats = session.seats.count { $0.connected }
        let people = seats == 0 ? "nobody there" : seats == 1 ? "1 there" : "\(seats) there"
        self.init(
            target: .session(id: session.id), name: session.host.alias,
            kind: session.owner.id == caller.userID ? "your session" : "with " + session.owner.name,
            detail: [people, session.title].filter { !$0.isEmpty }.joined(separator: "  "),
            isProduction: session.host.environment == HostEnvironment.production.rawValue)
    }

    /// Whether every word of what was typed is found somewhere.
    func matches(_ words: [Substring]) -> Bool {
        let text = "\(name) \(kind) \(detail)".lowercased()
        return words.allSatisfy { text.contains($0.lowercased()) }
    }

    private static func harmless(_ text: String) -> String { DisplayText.neutralise(text, limit: 120) }
}
