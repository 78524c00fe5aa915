import NIOConcurrencyHelpers
import NIOCore

/// The tasks that wait for sessions to end, owned here so that a stop can wait for them all.
final class ClosingSessions: Sendable {
    private let tasks = NIOLockedValueBox<[String: Task<Void, Never>]>([:])

    /// Runs `closed` once, when the session has ended and its recording is closed.
    func watch(_ session: LiveSession, closed: @escaping @Sendable (SessionEnding) async -> Void) {
        let id = session.id
        let task = Task {
            if let ending = try? await session.ended.get() { await closed(ending) }
            tasks.withLockedValue { _ = $0.removeValue(forKey: id) }
        }
        tasks.withLockedValue { $0[id] = task }
    }

    /// Waits until every watched session is stored.
    func finish() async {
        for task in tasks.withLockedValue({ Array($0.values) }) { await task.value }
    }
}
