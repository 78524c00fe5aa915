import NIOConcurrencyHelpers

/// A channel that is being opened for a task, to be given up from outside of its event loop when the task is cancelled.
final class OpeningCancellation: Sendable {
    private let state = NIOLockedValueBox<(abort: (@Sendable () -> Void)?, isCancelled: Bool)>((nil, false))

    /// On the event loop, with what gives the channel up. Does so at once when the task was cancelled before.
    func adopt(_ abort: @escaping @Sendable () -> Void) {
        let isCancelled = state.withLockedValue { state in
            state.abort = abort
            return state.isCancelled
        }
        if isCancelled { abort() }
    }

    var isCancelled: Bool { state.withLockedValue { $0.isCancelled } }

    func cancel() {
        let abort = state.withLockedValue { state in
            state.isCancelled = true
            return state.abort
        }
        abort?()
    }
}
