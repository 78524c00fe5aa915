import Audit
import Policy

/// An AI agent that proved itself by its token. It has no rights of its own: what it may do somewhere is what a person
/// granted there, and never more than that person may do.
public struct Agent: Sendable, Hashable {
    /// What the identifier of an agent begins with, wherever it stands beside those of people.
    static let idPrefix = "agt_"

    public let id: String
    public let name: String
    /// The person who made its token.
    public let ownerID: String
    /// Where this call came from.
    public let address: String

    var auditActor: AuditActor {
        AuditActor(kind: .agent, id: id, name: name, address: address.isEmpty ? nil : address)
    }

    var person: SessionView.Person { .init(id: id, name: name) }

    /// The agent as a session's door sees it: under its own name, with the rights of the person who let it in.
    func caller(actingFor person: Caller) -> Caller {
        Caller(
            tenant: person.tenant, userID: id, username: name, name: name, role: person.role, signInID: "",
            address: address, kind: .agent, actsFor: person.userID)
    }
}

extension KeyboardLease.Holder {
    /// Whether an AI agent holds it. People go before agents.
    var isAgent: Bool { userId.hasPrefix(Agent.idPrefix) }
}

extension GatewayError {
    static let agentNotSignedIn = GatewayError(
        "not_signed_in", status: 401, "There is no agent token in this request, or it is not good any more.",
        hint: "Send it as `Authorization: Bearer cpa_…`. Only a person can make a new one.")

    /// An agent's token at a place that is for people.
    public static let notForAgents = GatewayError(
        "not_for_agents", status: 403, "This is for people: an agent's token does not open it.",
        hint: "Ask the person; what an agent can do is described at /instructions.")
}
