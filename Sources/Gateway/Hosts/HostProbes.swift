import NIOConcurrencyHelpers
import SSH
import SSHKeys
import Storage

/// Probes of the last minutes: what was read, by whom, and how often one may ask.
final class HostProbes: Sendable {
    /// A confirmed key is taken from here, never from a request's body.
    struct Entry: Sendable {
        let id: String
        let userID: String
        let address: String
        let port: Int
        let key: SSHPublicKey
        let expires: Timestamp
    }

    private struct State {
        var entries: [String: Entry] = [:]
        var recent: [String: [Timestamp]] = [:]
    }

    /// Probes of one person in a minute.
    static let perMinute = 10
    private static let lifetime = Duration.seconds(15 * 60)
    private static let entriesKept = 1000

    private let state = NIOLockedValueBox(State())

    /// Counts a probe.
    func admit(userID: String, now: Timestamp = .now()) throws(GatewayError) {
        let wait: Duration? = state.withLockedValue { state in
            var times = (state.recent[userID] ?? []).filter { now - $0 < .seconds(60) }
            defer { state.recent[userID] = times }
            if times.count >= Self.perMinute, let first = times.first { return .seconds(60) - (now - first) }
            times.append(now)
            return nil
        }
        if let wait { throw .tooManyAttempts("You read \(Self.perMinute) host keys within a minute.", wait: wait) }
    }

    func keep(userID: String, address: String, port: Int, key: SSHPublicKey, now: Timestamp = .now()) -> Entry {
        let entry = Entry(
            id: Identifier.make("prb"), userID: userID, address: address, port: port, key: key,
            expires: now + Self.lifetime)
        state.withLockedValue { state in
            state.entries = state.entries.filter { $0.value.expires > now }
            if state.entries.count >= Self.entriesKept { state.entries.removeAll() }
            state.entries[entry.id] = entry
        }
        return entry
    }

    /// The probe that this person made and confirms now.
    func confirmed(_ id: String, userID: String, now: Timestamp = .now()) throws(GatewayError) -> Entry {
        let entry = state.withLockedValue { $0.entries[id] }
        guard let entry, entry.userID == userID, entry.expires > now else {
            throw .conflict(
                "probe_expired", "The fingerprint was read too long ago.", hint: "Read it again and compare it again.")
        }
        return entry
    }
}
