import Foundation
import Storage

/// Requests that wait for a person, in the store: a restart of the copilot loses none.
struct WaitingRequests: Sendable {
    let store: Store
    let tenant: String

    func add(_ request: AgentRequest) async throws {
        let (tenant, agent) = (tenant, request.agent)
        let wish = try JSONEncoder().encode(request.wish)
        let text = String(decoding: wish, as: UTF8.self)
        try await store.transaction { tx in
            try tx.execute(
                """
                INSERT INTO agent_request (tenant, id, agent, agent_name, owner, wish, created, expires)
                VALUES (\(tenant), \(request.id), \(agent.id), \(agent.name), \(agent.ownerID), \(text),
                    \(request.createdAt), \(request.expiresAt))
                """)
        }
    }

    func remove(_ id: String) async throws {
        let tenant = tenant
        try await store.transaction { tx in
            try tx.execute("DELETE FROM agent_request WHERE tenant = \(tenant) AND id = \(id)")
        }
    }

    /// Those that still have time.
    func all(now: Timestamp = .now()) async throws -> [AgentRequest] {
        let tenant = tenant
        return try await store.transaction { tx in
            try tx.execute("DELETE FROM agent_request WHERE tenant = \(tenant) AND expires < \(now)")
            return try tx.rows("SELECT * FROM agent_request WHERE tenant = \(tenant) ORDER BY created").map { row in
                AgentRequest(
                    id: try row.text("id"),
                    agent: Agent(
                        id: try row.text("agent"), name: try row.text("agent_name"), ownerID: try row.text("owner"),
                        address: ""),
                    wish: try JSONDecoder().decode(AgentRequest.New.self, from: Data(try row.text("wish").utf8)),
                    createdAt: try row.time("created"), expiresAt: try row.time("expires"))
            }
        }
    }
}
