import NIOConcurrencyHelpers
import Storage

/// Everything that goes on with agents in this process: requests, sessions, questions, events. What is past is in the
/// audit log; this is what is now.
final class AgentBoard: Sendable {
    struct State: Sendable {
        var requests: [String: AgentRequest] = [:]
        var sessions: [String: AgentSession] = [:]
        var approvals: [String: AgentApproval] = [:]
        /// The session of each command.
        var commands: [String: AgentCommand] = [:]
        var events: [String: AgentEvents] = [:]
    }

    /// Requests, approvals and ended sessions are remembered for an hour after their end.
    private static let memory: Duration = .seconds(3600)

    let box = NIOLockedValueBox(State())
    /// Something of any agent changed.
    let changes = ChangeSignal()

    func read<Value>(_ body: (State) -> Value) -> Value { box.withLockedValue { body($0) } }

    func change<Value>(_ body: (inout State) -> Value) -> Value {
        let value = box.withLockedValue(body)
        changes.changed()
        return value
    }

    func tell(
        _ agentID: String, _ kind: String, session: String?, command: String? = nil, approval: String? = nil,
        by: String? = nil, text: String? = nil
    ) {
        change { state in
            state.events[agentID, default: AgentEvents()].append(
                kind, session: session, command: command, approval: approval, by: by, text: text)
        }
    }

    /// Takes out what is long over.
    func forgetOld(now: Timestamp = .now()) {
        box.withLockedValue { state in
            let limit = now - Self.memory
            state.requests = state.requests.filter { _, request in
                if case .pending = request.state { return true }
                return (request.decidedAt ?? request.createdAt) > limit
            }
            state.approvals = state.approvals.filter { $0.value.state == .pending || $0.value.createdAt > limit }
            state.sessions = state.sessions.filter { id, session in
                session.state.ending == nil || state.requests[id] != nil
            }
            state.commands = state.commands.filter { _, command in
                (command.state.endedAt ?? now) > limit && state.sessions[command.sessionID] != nil
            }
        }
    }
}
