import Gateway
import NIOConcurrencyHelpers
import NIOCore

/// Carries a session's messages to a seat's socket, on the socket's own loop.
final class TerminalOutlet: SeatOutlet {
    private let eventLoop: any EventLoop
    private let deliver: @Sendable (SeatMessage) -> Void
    private let isOpen = NIOLockedValueBox(true)

    init(eventLoop: any EventLoop, deliver: @escaping @Sendable (SeatMessage) -> Void) {
        self.eventLoop = eventLoop
        self.deliver = deliver
    }

    func send(_ message: SeatMessage) {
        guard !eventLoop.inEventLoop else { return pass(message) }
        eventLoop.execute { self.pass(message) }
    }

    private func pass(_ message: SeatMessage) {
        if isOpen.withLockedValue({ $0 }) { deliver(message) }
    }

    /// Nothing is delivered from here on.
    func detach() { isOpen.withLockedValue { $0 = false } }
}

extension EventLoop {
    /// At once when the caller is on this loop, else as the loop's next task.
    func runOrExecute(_ body: @escaping @Sendable () -> Void) {
        if inEventLoop { body() } else { execute(body) }
    }
}
