@preconcurrency import Dispatch
import NIOConcurrencyHelpers

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// What Ctrl-C and SIGTERM end: the work in hand, and not the program in the middle of it.
final class Interrupts: Sendable {
    private struct State {
        /// Told whether the program shall end.
        var work: (@Sendable (Bool) -> Void)?
        var wasInterrupted = false
        var isTerminated = false
    }

    private let state = NIOLockedValueBox(State())
    private let sources: NIOLockedValueBox<[any DispatchSourceSignal]> = NIOLockedValueBox([])

    init() {}

    deinit { for source in sources.withLockedValue({ $0 }) { source.cancel() } }

    /// Takes the signals over. What is started from here on ignores them unless it is told otherwise.
    func watch() {
        guard sources.withLockedValue({ $0.isEmpty }) else { return }
        for number in [SIGINT, SIGTERM, SIGHUP] {
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { [weak self] in self?.received(isTermination: number != SIGINT) }
            source.activate()
            sources.withLockedValue { $0.append(source) }
        }
    }

    /// Whether the program shall end.
    var isTerminated: Bool { state.withLockedValue { $0.isTerminated } }

    /// Whether there was an interrupt since the last question.
    func takeInterrupt() -> Bool {
        state.withLockedValue { state in
            defer { state.wasInterrupted = false }
            return state.wasInterrupted
        }
    }

    func received(isTermination: Bool) {
        let work = state.withLockedValue { state in
            state.wasInterrupted = true
            if isTermination { state.isTerminated = true }
            return state.work
        }
        work?(isTermination)
    }

    /// Waits for a person, whom an interrupt does not disturb; the program's end does.
    func wait<T>(
        _ isolation: isolated (any Actor)? = #isolation, wake: @escaping @Sendable () -> Void, _ question: () async -> T
    ) async -> T {
        let isTerminated = state.withLockedValue { state in
            state.work = { if $0 { wake() } }
            return state.isTerminated
        }
        if isTerminated { wake() }
        defer { state.withLockedValue { $0.work = nil } }
        return await question()
    }

    /// Runs something that an interrupt cancels.
    func run<T: Sendable>(_ work: @escaping @Sendable () async -> T) async -> T {
        let task = Task { await work() }
        let isTerminated = state.withLockedValue { state in
            state.work = { _ in task.cancel() }
            return state.isTerminated
        }
        if isTerminated { task.cancel() }
        defer { state.withLockedValue { $0.work = nil } }
        return await withTaskCancellationHandler {
            await task.value
        } onCancel: {
            task.cancel()
        }
    }
}
