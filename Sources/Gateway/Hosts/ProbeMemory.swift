import SSHKeys
import Storage
import Synchronization

/// What probes found, kept for 15 minutes so that the key which a person confirms is the key which is recorded; and how
/// many probes each person made in the last minute.
final class ProbeMemory: Sendable {
    struct Finding: Sendable {
        let userID: String
        let address: String
        let port: Int
        let resolvedAddress: String
        let key: SSHPublicKey
        let until: Timestamp
    }

    private struct State {
        var findings: [String: Finding] = [:]
        var recent: [String: [Timestamp]] = [:]
    }

    private static let lifetime: Duration = .seconds(15 * 60)
    private static let limit = 1000
    static let perMinute = 10

    private let state = Mutex(State())

    /// Counts a probe, or says how long to wait.
    func admit(userID: String, now: Timestamp) -> Duration? {
        state.withLock { state in
            state.recent = state.recent.compactMapValues { times in
                let kept = times.filter { $0 > now - .seconds(60) }
                return kept.isEmpty ? nil : kept
            }
            let times = state.recent[userID] ?? []
            if times.count >= Self.perMinute, let first = times.first { return first + .seconds(60) - now }
            state.recent[userID] = times + [now]
            return nil
        }
    }

    func keep(
        _ key: SSHPublicKey, userID: String, address: String, port: Int, resolvedAddress: String, now: Timestamp
    ) -> String {
        let id = Identifier.make("prb")
        state.withLock { state in
            state.findings = state.findings.filter { $0.value.until > now }
            if state.findings.count >= Self.limit,
                let oldest = state.findings.min(by: { $0.value.until < $1.value.until })
            {
                state.findings[oldest.key] = nil
            }
            state.findings[id] = Finding(
                userID: userID, address: address, port: port, resolvedAddress: resolvedAddress, key: key,
                until: now + Self.lifetime)
        }
        return id
    }

    /// What a probe of this person found at this address, if it is not too long ago.
    func finding(_ id: String, userID: String, address: String, port: Int, now: Timestamp) -> Finding? {
        state.withLock { state in
            guard let finding = state.findings[id], finding.userID == userID, finding.until > now,
                finding.address == address, finding.port == port
            else { return nil }
            return finding
        }
    }

    func forget(_ id: String) {
        state.withLock { $0.findings[id] = nil }
    }
}
