import Audit
import Gateway
import Hummingbird
import Policy

/// `/api/audit`: the log and its check.
struct AuditRoutes: Sendable {
    private static let pageSize: Int64 = 100

    let gateway: Gateway

    func add(to routes: RouteTable) {
        routes.signedIn(.get, "/api/audit") { call, caller in try await list(call, caller) }
        routes.signedIn(.get, "/api/audit/verify") { _, caller in
            try gateway.services.require(.auditRead, caller, on: nil)
            do {
                return try JSONAnswer.response(AuditVerificationAnswer(try await gateway.verifyAudit()))
            } catch let error as AuditError {
                throw GatewayError(unreadableLog: error)
            }
        }
    }

    private func list(_ call: Call, _ caller: Caller) async throws -> Response {
        try gateway.services.require(.auditRead, caller, on: nil)
        let limit = try call.integer("limit", in: 1...500) ?? Self.pageSize
        let before = try call.integer("before", in: 1...Int64.max)
        let actor = call.query("actor")
        let filter = AuditFilter(
            action: call.query("action"), actor: actor, actorIDs: try await people(named: actor, caller),
            text: call.query("q"))
        do {
            // One more than asked for tells whether there is another page.
            let entries = try await gateway.audit.entries(before: before, limit: Int(limit) + 1, filter: filter)
            let page = entries.prefix(Int(limit))
            let next = entries.count > page.count ? page.last?.sequence : nil
            return try JSONAnswer.response(AuditAnswer(entries: page.map(AuditEntryAnswer.init), next: next))
        } catch let error as AuditError {
            throw GatewayError(unreadableLog: error)
        }
    }

    /// The ids of the first people whose user name contains the text.
    private func people(named text: String?, _ caller: Caller) async throws -> [String] {
        guard let folded = text?.lowercased(), !folded.isEmpty else { return [] }
        return try await gateway.people.users(caller).filter { $0.username.contains(folded) }.prefix(100).map(\.id)
    }
}

extension GatewayError {
    fileprivate init(unreadableLog error: AuditError) {
        self.init("audit_\(error.code.rawValue)", status: 500, error.description, hint: error.hint)
    }
}
