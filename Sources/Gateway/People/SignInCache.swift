import Storage
import Synchronization

/// Remembers for one second that a sign-in is good, and forgets it at once when it is not any more.
final class SignInCache: Sendable {
    private struct State {
        var callers: [String: (caller: Caller, until: Timestamp)] = [:]
        /// Counts revocations: an answer that was read before one of them is not kept.
        var generation = 0
    }

    private static let memory: Duration = .seconds(1)
    private static let limit = 10_000
    private let state = Mutex(State())

    var generation: Int { state.withLock(\.generation) }

    func caller(signInID: String, now: Timestamp) -> Caller? {
        state.withLock { state in
            guard let entry = state.callers[signInID], entry.until > now else { return nil }
            return entry.caller
        }
    }

    func remember(_ caller: Caller, generation: Int, now: Timestamp) {
        state.withLock { state in
            guard state.generation == generation else { return }
            if state.callers.count >= Self.limit { state.callers = [:] }
            state.callers[caller.signInID] = (caller, now + Self.memory)
        }
    }

    func forget(userID: String) {
        state.withLock { state in
            state.generation += 1
            state.callers = state.callers.filter { $0.value.caller.userID != userID }
        }
    }
}

/// Who is told that somebody lost a right: live seats, which must end within a second.
final class RevocationListeners: Sendable {
    private let listeners = Mutex<[@Sendable (Revocation) -> Void]>([])

    func add(_ listener: @escaping @Sendable (Revocation) -> Void) {
        listeners.withLock { $0.append(listener) }
    }

    func tell(_ revocations: [Revocation]) {
        let listeners = self.listeners.withLock { $0 }
        for revocation in revocations {
            for listener in listeners { listener(revocation) }
        }
    }
}
