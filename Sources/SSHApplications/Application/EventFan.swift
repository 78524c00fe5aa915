import NIOConcurrencyHelpers

/// Tells what happens to a visit to everybody who listens at the moment.
final class EventFan: Sendable {
    private struct State {
        var sinks: [Int: AsyncStream<ApplicationEvent>.Continuation] = [:]
        var count = 0
        var isOver = false
    }

    private let state = NIOLockedValueBox(State())

    func stream() -> AsyncStream<ApplicationEvent> {
        let (stream, sink) = AsyncStream.makeStream(of: ApplicationEvent.self, bufferingPolicy: .bufferingNewest(64))
        let number = state.withLockedValue { state -> Int? in
            guard !state.isOver else { return nil }
            state.count += 1
            state.sinks[state.count] = sink
            return state.count
        }
        guard let number else {
            sink.finish()
            return stream
        }
        sink.onTermination = { [weak self] _ in _ = self?.state.withLockedValue { $0.sinks.removeValue(forKey: number) }
        }
        return stream
    }

    func yield(_ event: ApplicationEvent) {
        for sink in state.withLockedValue({ Array($0.sinks.values) }) { sink.yield(event) }
    }

    func finish() {
        let sinks = state.withLockedValue { state in
            defer { state.sinks = [:] }
            state.isOver = true
            return Array(state.sinks.values)
        }
        for sink in sinks { sink.finish() }
    }
}
