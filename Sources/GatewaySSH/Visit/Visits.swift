import Gateway
import NIOConcurrencyHelpers
import SSH

/// An account and its password, which is right and not enough.
struct HalfSignIn: Sendable {
    let account: String
    let password: String
}

/// Everybody who is in by SSH, so that whoever loses a right is out at once.
final class Visits: Sendable {
    /// Connections of one person at once.
    static let limitEach = 256
    /// Offered keys that are remembered of one connection.
    private static let offersKept = 4

    private struct State {
        var visits: [ObjectIdentifier: Visit] = [:]
        var offers: [ObjectIdentifier: [String]] = [:]
        var halves: [ObjectIdentifier: HalfSignIn] = [:]
        var isClosed = false
    }

    private let state = NIOLockedValueBox(State())

    /// - Returns: false when the person has too many connections, or the copilot stops.
    func enter(_ visit: Visit) -> Bool {
        state.withLockedValue { state in
            let own = state.visits.values.count { $0.caller.userID == visit.caller.userID }
            // The client may have left while its proof was looked at: nobody would take it out again.
            guard !state.isClosed, own < Self.limitEach, visit.connection.isOpen else { return false }
            state.visits[ObjectIdentifier(visit.connection)] = visit
            return true
        }
    }

    func visit(_ connection: SSHServerConnection) -> Visit? {
        state.withLockedValue { $0.visits[ObjectIdentifier(connection)] }
    }

    /// A key that nobody has was offered.
    func offered(_ fingerprint: String, _ connection: SSHServerConnection) {
        guard connection.isOpen else { return }
        state.withLockedValue { state in
            let offers = state.offers[ObjectIdentifier(connection), default: []]
            if offers.count < Self.offersKept { state.offers[ObjectIdentifier(connection)] = offers + [fingerprint] }
        }
    }

    /// A password was right, and a code is still to come.
    func remember(_ half: HalfSignIn, _ connection: SSHServerConnection) {
        guard connection.isOpen else { return }
        state.withLockedValue { $0.halves[ObjectIdentifier(connection)] = half }
    }

    /// The right password of this account on this connection, where one was given.
    func half(of account: String, _ connection: SSHServerConnection) -> HalfSignIn? {
        state.withLockedValue { state in
            state.halves[ObjectIdentifier(connection)].flatMap { $0.account == account ? $0 : nil }
        }
    }

    func forgetHalf(_ connection: SSHServerConnection) {
        state.withLockedValue { _ = $0.halves.removeValue(forKey: ObjectIdentifier(connection)) }
    }

    /// The connection is over.
    /// - Returns: Who was in, and the keys that were offered in vain.
    func leave(_ connection: SSHServerConnection) -> (visit: Visit?, offers: [String]) {
        state.withLockedValue { state in
            let key = ObjectIdentifier(connection)
            state.halves[key] = nil
            return (state.visits.removeValue(forKey: key), state.offers.removeValue(forKey: key) ?? [])
        }
    }

    func all(where matches: (Caller) -> Bool = { _ in true }) -> [Visit] {
        state.withLockedValue { $0.visits.values.filter { matches($0.caller) } }
    }

    /// Nobody comes in any more.
    func close() { state.withLockedValue { $0.isClosed = true } }
}
