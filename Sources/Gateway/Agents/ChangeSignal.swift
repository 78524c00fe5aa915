import NIOConcurrencyHelpers

/// Tells whoever waits that something changed. What it was they look up themselves, so nothing is queued and nothing is
/// missed: a change between looking and waiting ends the wait at once.
final class ChangeSignal: Sendable {
    private struct State {
        var version: UInt64 = 0
        var nextTicket: UInt64 = 0
        var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
        var cancelled: Set<UInt64> = []
    }

    private let state = NIOLockedValueBox(State())

    /// Grows with each change.
    var version: UInt64 { state.withLockedValue { $0.version } }

    func changed() {
        let waiters = state.withLockedValue { state -> [CheckedContinuation<Void, Never>] in
            state.version &+= 1
            guard !state.waiters.isEmpty else { return [] }
            defer { state.waiters.removeAll(keepingCapacity: true) }
            return Array(state.waiters.values)
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Returns when the version is not `seen` any more, at `deadline`, or when the task is cancelled.
    func wait(after seen: UInt64, until deadline: ContinuousClock.Instant) async {
        let ticket = state.withLockedValue { state in
            state.nextTicket &+= 1
            return state.nextTicket
        }
        let timer = Task {
            try? await Task.sleep(until: deadline, clock: .continuous)
            if !Task.isCancelled { giveUp(ticket) }
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isDue = state.withLockedValue { state in
                    if state.cancelled.remove(ticket) != nil || state.version != seen { return true }
                    state.waiters[ticket] = continuation
                    return false
                }
                if isDue { continuation.resume() }
            }
        } onCancel: {
            giveUp(ticket)
        }
        timer.cancel()
        state.withLockedValue { _ = $0.cancelled.remove(ticket) }
    }

    private func giveUp(_ ticket: UInt64) {
        let waiter = state.withLockedValue { state -> CheckedContinuation<Void, Never>? in
            if let waiter = state.waiters.removeValue(forKey: ticket) { return waiter }
            state.cancelled.insert(ticket)
            return nil
        }
        waiter?.resume()
    }
}
