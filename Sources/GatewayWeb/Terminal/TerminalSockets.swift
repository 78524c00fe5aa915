import Gateway
import NIOConcurrencyHelpers
import NIOCore

/// The open terminal sockets, so that a sign-out, a disabled user or a stop reaches them at once.
public final class TerminalSockets: Sendable {
    private struct Entry {
        let caller: Caller
        let eventLoop: any EventLoop
        let close: @Sendable (UInt16, String) -> Void
    }

    /// RFC 6455 §7.4.1.
    private static let policyViolation: UInt16 = 1008

    private let entries = NIOLockedValueBox<[ObjectIdentifier: Entry]>([:])

    public init() {}

    func add(
        _ id: ObjectIdentifier, caller: Caller, eventLoop: any EventLoop,
        close: @escaping @Sendable (UInt16, String) -> Void
    ) {
        entries.withLockedValue { $0[id] = Entry(caller: caller, eventLoop: eventLoop, close: close) }
    }

    func remove(_ id: ObjectIdentifier) { entries.withLockedValue { _ = $0.removeValue(forKey: id) } }

    /// Sockets of one user at this moment.
    func count(userID: String) -> Int {
        entries.withLockedValue { $0.values.count { $0.caller.userID == userID } }
    }

    /// The loop of a socket of this sign-in: where a session that it starts is best placed, so that a key stroke changes
    /// no threads on its way.
    func eventLoop(of caller: Caller) -> (any EventLoop)? {
        entries.withLockedValue { entries in
            entries.values.first { $0.caller.signInID == caller.signInID }?.eventLoop
        }
    }

    /// Closes the sockets whose sign-in is no more.
    public func close(where matches: (Caller) -> Bool, reason: String) {
        for entry in entries.withLockedValue({ $0.values.filter { matches($0.caller) } }) {
            entry.eventLoop.runOrExecute { entry.close(Self.policyViolation, reason) }
        }
    }
}
