import Gateway
import NIOConcurrencyHelpers

/// Runs an operation, and answers for it when it takes too long: the operation is cancelled, and the caller does not
/// wait for it to notice.
func withTimeLimit<Value: Sendable>(
    _ limit: Duration, _ operation: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    let race = Race<Value>()
    return try await withTaskCancellationHandler {
        try await withCheckedThrowingContinuation { continuation in
            race.begin(continuation)
            race.add(
                Task {
                    do { race.finish(.success(try await operation())) } catch { race.finish(.failure(error)) }
                })
            race.add(
                Task {
                    guard (try? await Task.sleep(for: limit)) != nil else { return }
                    race.finish(.failure(GatewayError.tookTooLong))
                })
        }
    } onCancel: {
        race.finish(.failure(CancellationError()))
    }
}

/// Several tasks, of which the first to finish decides; the others are cancelled then.
private final class Race<Value: Sendable>: Sendable {
    private struct State {
        var continuation: CheckedContinuation<Value, any Error>?
        var result: Result<Value, any Error>?
        var tasks: [Task<Void, Never>] = []
    }

    private let state = NIOLockedValueBox(State())

    func begin(_ continuation: CheckedContinuation<Value, any Error>) {
        let result = state.withLockedValue { state -> Result<Value, any Error>? in
            if state.result == nil { state.continuation = continuation }
            return state.result
        }
        if let result { continuation.resume(with: result) }
    }

    func add(_ task: Task<Void, Never>) {
        let isOver = state.withLockedValue { state -> Bool in
            if state.result == nil { state.tasks.append(task) }
            return state.result != nil
        }
        if isOver { task.cancel() }
    }

    func finish(_ result: Result<Value, any Error>) {
        let (continuation, tasks) = state.withLockedValue {
            state -> (CheckedContinuation<Value, any Error>?, [Task<Void, Never>]) in
            guard state.result == nil else { return (nil, []) }
            state.result = result
            defer {
                state.continuation = nil
                state.tasks = []
            }
            return (state.continuation, state.tasks)
        }
        for task in tasks { task.cancel() }
        continuation?.resume(with: result)
    }
}

extension GatewayError {
    fileprivate static var tookTooLong: GatewayError {
        GatewayError(
            "timeout", status: 503, "This took longer than the server waits.",
            hint: "Try again; if it happens again, check the host that the request was about.", retryAfter: 5)
    }
}
