import Synchronization

/// Signs of life of a call that runs: progress for a client that asked for it, otherwise a beat that keeps the line open.
struct Beats: Sendable {
    private let token: JSONValue?
    private let interval: Duration
    private let sent: Counter
    private let emit: @Sendable (JSONValue?) -> Void

    private final class Counter: Sendable {
        let value = Mutex<Int64>(0)
    }

    init<Principal>(
        token: JSONValue?, interval: Duration, emit: @escaping @Sendable (MCPServer<Principal>.Event) -> Void
    ) {
        self.token = token
        self.interval = interval
        sent = Counter()
        self.emit = { message in emit(message.map { .message($0) } ?? .beat) }
    }

    var tell: @Sendable (String) -> Void {
        { message in self.send(message) }
    }

    /// Until it is cancelled.
    func run() async {
        let start = ContinuousClock.now
        while (try? await Task.sleep(for: interval)) != nil {
            let seconds = (ContinuousClock.now - start).components.seconds
            if token == nil { emit(nil) } else { send("running for \(seconds) s") }
        }
    }

    /// `progress` only ever rises: it counts the messages.
    private func send(_ message: String) {
        guard let token else { return }
        sent.value.withLock { count in
            count += 1
            emit(
                RPCMessage.notification(
                    "notifications/progress",
                    ["progressToken": token, "progress": .integer(count), "message": .string(message)]))
        }
    }
}
