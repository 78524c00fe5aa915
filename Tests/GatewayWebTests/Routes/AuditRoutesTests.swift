import Testing

@testable import GatewayWeb

@Suite(.timeLimit(.minutes(2)))
struct AuditRoutesTests {
    @Test("what was done is in the log, the newest first, page by page, and the log holds")
    func pages() async throws {
        try await GatewayServer.run { server in
            let admin = try await server.admin()
            for name in ["grace", "edsger", "barbara"] {
                _ = try await admin.call(
                    "POST", "/api/users", #"{"username": "\#(name)", "name": "\#(name)", "role": "guest"}"#)
            }
            let page = try await admin.json("GET", "/api/audit?action=user.add&limit=2")
            #expect(page["entries"]?.items.count == 2)
            #expect(page["entries.0.object.name"] == .string("barbara"))
            guard case .integer(let next)? = page["next"] else {
                Issue.record("there is no second page")
                return
            }
            let rest = try await admin.json("GET", "/api/audit?action=user.add&limit=2&before=\(next)")
            #expect(rest["entries.0.object.name"] == .string("grace") && rest["next"] == .null)
            let found = try await admin.json("GET", "/api/audit?q=EDSGER&actor=Ada")
            #expect(found["entries"]?.items.isEmpty == false)
            let part = try await admin.json("GET", "/api/audit?actor=aD")
            #expect(part["entries"]?.items.isEmpty == false)
            let verified = try await admin.json("GET", "/api/audit/verify")
            #expect(verified["ok"] == .bool(true) && verified["problem"] == .null)
        }
    }

    @Test("who may not read the log is told which permission is missing")
    func refused() async throws {
        try await GatewayServer.run { server in
            let admin = try await server.admin()
            let person = try await server.person("grace", role: "ml-ops", by: admin)
            for path in ["/api/audit", "/api/audit/verify"] {
                let response = try await person.call("GET", path)
                #expect(response.status == 403 && response.json["missing"] as? String == "audit.read")
            }
        }
    }

    @Test(
        "a page size that is none is refused", arguments: ["limit=0", "limit=501", "limit=x", "before=0", "before=-1"])
    func badQuery(query: String) async throws {
        try await GatewayServer.run { server in
            let admin = try await server.admin()
            let response = try await admin.call("GET", "/api/audit?\(query)")
            #expect(response.status == 422 && response.json["field"] as? String == String(query.prefix { $0 != "=" }))
        }
    }
}
