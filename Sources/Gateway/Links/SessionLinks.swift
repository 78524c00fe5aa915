import NIOConcurrencyHelpers
import Storage

/// A link to one session, as its owner sees it. The link itself is shown once, when it is made.
public struct SessionLink: Sendable, Encodable {
    public let id: String
    public let label: String
    public let mode: SeatMode
    /// The person that it is for; nil for whoever has it, who then only watches.
    public let person: SessionView.Person?
    public let createdAt: String
    public let createdBy: SessionView.Person
    public let expiresAt: String
    /// How many may come by it, and how many did.
    public let uses: Int
    public let used: Int

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(id, forKey: .id)
        try container.encode(label, forKey: .label)
        try container.encode(mode, forKey: .mode)
        try container.encode(person, forKey: .person)
        try container.encode(createdAt, forKey: .createdAt)
        try container.encode(createdBy, forKey: .createdBy)
        try container.encode(expiresAt, forKey: .expiresAt)
        try container.encode(uses, forKey: .uses)
        try container.encode(used, forKey: .used)
    }

    private enum CodingKeys: String, CodingKey {
        case id, label, mode, person, createdAt, createdBy, expiresAt, uses, used
    }
}

/// The links of the sessions that run. Of their secrets only hashes are here; a link lives no longer than its session,
/// and sessions live no longer than this process.
final class SessionLinks: Sendable {
    struct Link: Sendable {
        let id: String
        let sessionID: String
        let label: String
        let mode: SeatMode
        let person: SessionView.Person?
        let createdAt: Timestamp
        let createdBy: Caller
        let expiresAt: Timestamp
        let uses: Int
        var used = 0

        var view: SessionLink {
            SessionLink(
                id: id, label: label, mode: mode, person: person, createdAt: createdAt.iso8601,
                createdBy: .init(id: createdBy.userID, name: createdBy.name), expiresAt: expiresAt.iso8601, uses: uses,
                used: used)
        }
    }

    /// Somebody without an account who came by a link, on one device.
    struct Guest: Sendable {
        let id: String
        let name: String
        let linkID: String
        let sessionID: String
        let expiresAt: Timestamp
    }

    private struct State {
        /// By the hash of the secret.
        var links: [[UInt8]: Link] = [:]
        var guests: [[UInt8]: Guest] = [:]
    }

    private let state = NIOLockedValueBox(State())

    // MARK: Links

    func add(_ link: Link, hash: [UInt8]) { state.withLockedValue { $0.links[hash] = link } }

    func link(hash: [UInt8], now: Timestamp) -> Link? {
        state.withLockedValue { $0.links[hash] }.flatMap { $0.expiresAt > now ? $0 : nil }
    }

    func links(of sessionID: String, now: Timestamp = .now()) -> [Link] {
        state.withLockedValue { $0.links.values.filter { $0.sessionID == sessionID && $0.expiresAt > now } }
            .sorted { $0.createdAt < $1.createdAt }
    }

    var all: [Link] { state.withLockedValue { Array($0.links.values) } }

    /// Counts one who comes by a link.
    /// - Returns: false when all its uses are gone, or it itself.
    func use(hash: [UInt8], now: Timestamp) -> Bool {
        state.withLockedValue { state in
            guard var link = state.links[hash], link.expiresAt > now, link.used < link.uses else { return false }
            link.used += 1
            state.links[hash] = link
            return true
        }
    }

    // MARK: Guests

    func add(_ guest: Guest, hash: [UInt8]) { state.withLockedValue { $0.guests[hash] = guest } }

    func guest(hash: [UInt8], now: Timestamp) -> Guest? {
        state.withLockedValue { $0.guests[hash] }.flatMap { $0.expiresAt > now ? $0 : nil }
    }

    func guest(id: String, now: Timestamp) -> Guest? {
        state.withLockedValue { state in state.guests.values.first { $0.id == id && $0.expiresAt > now } }
    }

    // MARK: The end

    /// Takes links away with everybody who came by them.
    /// - Returns: the guests that are none any more.
    func remove(where matches: (Link) -> Bool) -> [Guest] {
        state.withLockedValue { state in
            let gone = Set(state.links.values.filter(matches).map(\.id))
            guard !gone.isEmpty else { return [] }
            state.links = state.links.filter { !gone.contains($0.value.id) }
            let guests = state.guests.values.filter { gone.contains($0.linkID) }
            state.guests = state.guests.filter { !gone.contains($0.value.linkID) }
            return guests
        }
    }
}
