import Synchronization

/// Tells the checkpoint writer that something was appended in this process.
final class AuditActivity: Sendable {
    private let listener = Mutex<AsyncStream<Void>.Continuation?>(nil)

    func signal() {
        listener.withLock { _ = $0?.yield() }
    }

    /// One listener at a time; signals that come while it works are folded into one.
    func signals() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        listener.withLock { $0 = continuation }
        return stream
    }
}
