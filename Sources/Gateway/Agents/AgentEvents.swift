import NIOCore
import Storage

/// Something that an agent may want to know of: counted without gaps for each agent.
public struct AgentEvent: Sendable, Encodable {
    public let seq: Int
    public let time: String
    public let kind: String
    public let sessionId: String?
    public let commandId: String?
    public let approvalId: String?
    /// Who did it: a person's name, or the agent's.
    public let by: String?
    public let text: String?
}

/// A part of an agent's events.
public struct EventPage: Sendable, Encodable {
    public let events: [AgentEvent]
    /// To ask on from.
    public let seq: Int
    /// Events before this one are no longer kept.
    public let firstSeq: Int
}

/// The events of one agent, the newest of them.
struct AgentEvents: Sendable {
    private static let kept = 2000

    private var events = CircularBuffer<AgentEvent>()
    private(set) var last = 0

    mutating func append(
        _ kind: String, session: String?, command: String? = nil, approval: String? = nil, by: String? = nil,
        text: String? = nil
    ) {
        last += 1
        events.append(
            AgentEvent(
                seq: last, time: Timestamp.now().iso8601, kind: kind, sessionId: session, commandId: command,
                approvalId: approval, by: by, text: text))
        if events.count > Self.kept { events.removeFirst() }
    }

    func page(since: Int, session: String?) -> EventPage {
        EventPage(
            events: events.filter { $0.seq > since && (session == nil || $0.sessionId == session) }, seq: last,
            firstSeq: events.first?.seq ?? last + 1)
    }
}
