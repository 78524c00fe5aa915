import Gateway
import MCP

/// What an agent can read by name: the screens of its sessions, outputs of its commands, how to work here.
struct AgentShelf: Sendable {
    let agents: AgentService

    var shelf: ResourceShelf<Agent> {
        ResourceShelf(
            templates: [
                .init(uri: "ssh://sessions/{id}/screen", name: "screen", description: "A session's screen."),
                .init(
                    uri: "ssh://sessions/{id}/transcript", name: "transcript",
                    description: "What a session's terminal showed."),
                .init(uri: "ssh://commands/{id}/stdout", name: "stdout", description: "A command's output."),
                .init(
                    uri: "ssh://instructions/{topic}", name: "instructions",
                    description: "How to work here: \(Self.topics).",
                    type: "text/markdown"),
            ],
            list: { [agents] agent in
                let sessions = try await agents.sessions(agent).active
                return sessions.map {
                    .init(
                        uri: "ssh://sessions/\($0.id)/screen", name: "\($0.username)@\($0.host)",
                        description: "The screen now.")
                } + [
                    .init(
                        uri: "ssh://instructions/quickstart", name: "quickstart", description: "How to begin.",
                        type: "text/markdown")
                ]
            },
            read: { [agents] uri, agent in
                let parts = uri.dropFirst("ssh://".count).split(separator: "/").map(String.init)
                guard uri.hasPrefix("ssh://"), parts.count >= 2 else { return nil }
                do {
                    return try await Self.read(parts, agents, agent)
                } catch let error as GatewayError {
                    guard error.status == 404 else { throw RPCError(-32603, "\(error.error) \(error.hint)") }
                    return nil
                }
            })
    }

    private static let topics = AgentInstructions.topics.joined(separator: ", ")

    private static func read(
        _ parts: [String], _ agents: AgentService, _ agent: Agent
    ) async throws(GatewayError) -> ResourceShelf<Agent>.Content? {
        switch (parts[0], parts[1], parts.dropFirst(2).first) {
        case ("sessions", let id, "screen"):
            return .init(text: AgentTexts.screen(try await agents.screen(id, agent)))
        case ("sessions", let id, "transcript"):
            let bytes = try await agents.history(id, .clean, agent)
            return .init(text: AgentTexts.fenced(String(decoding: bytes, as: UTF8.self), "terminal"))
        case ("commands", let id, "stdout"):
            let output = try await agents.commandOutput(id, isError: false, offset: 0, limit: 1 << 20, agent)
            return .init(text: AgentTexts.fenced(output.text ?? "", "stdout"))
        case ("instructions", let topic, nil):
            return AgentInstructions.text(topic, address: agents.address).map { .init(type: "text/markdown", text: $0) }
        default: return nil
        }
    }
}
