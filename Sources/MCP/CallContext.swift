import Synchronization

/// What a tool knows of the call that it serves.
public struct CallContext<Principal: Sendable>: Sendable {
    /// Who calls, verified.
    public let principal: Principal
    let control: CallControl
    let tell: @Sendable (String) -> Void

    /// Says how far it is, to clients that asked for that.
    public func progress(_ message: String) { tell(message) }

    /// Whether the caller took the call back. A call whose connection was merely lost is not.
    public var isCancelled: Bool { control.isCancelled }
}

/// How a call may end before its time.
public final class CallControl: Sendable {
    private struct State {
        var isCancelled = false
        var isOver = false
        var end: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())

    public init() {}

    var isCancelled: Bool { state.withLock { $0.isCancelled } }

    /// - Parameter end: ends the work; called at once when the call is over already.
    public func onEnd(_ end: @escaping @Sendable () -> Void) {
        let isOver = state.withLock { state in
            if !state.isOver { state.end = end }
            return state.isOver
        }
        if isOver { end() }
    }

    /// The caller takes the call back: what it started is to stop.
    public func cancel() { finish(cancelled: true) }

    /// Nobody waits for the answer any more. What was started goes on.
    public func abandon() { finish(cancelled: false) }

    private func finish(cancelled: Bool) {
        let end = state.withLock { state -> (@Sendable () -> Void)? in
            guard !state.isOver else { return nil }
            state.isOver = true
            state.isCancelled = cancelled
            defer { state.end = nil }
            return state.end
        }
        end?()
    }
}

/// Whose a call is: requests are numbered by each client for itself.
public struct MCPCaller: Sendable, Hashable {
    /// Who is verified to call.
    public let principal: String
    /// Which of that one's clients it is: its `Mcp-Session-Id`.
    public let conversation: String

    public init(principal: String, conversation: String) {
        self.principal = principal
        self.conversation = conversation
    }
}

/// The calls that run now, by who called and under which name: for `notifications/cancelled`.
final class CallsInFlight: Sendable {
    struct Key: Hashable {
        let caller: MCPCaller
        let id: RPCID
    }

    private let calls = Mutex<[Key: CallControl]>([:])

    func add(_ control: CallControl, _ key: Key) { calls.withLock { $0[key] = control } }

    func remove(_ control: CallControl, _ key: Key) {
        calls.withLock { if $0[key] === control { $0[key] = nil } }
    }

    func cancel(_ key: Key) { calls.withLock { $0[key] }?.cancel() }

    func count(principal: String) -> Int {
        calls.withLock { calls in calls.keys.count { $0.caller.principal == principal } }
    }
}
