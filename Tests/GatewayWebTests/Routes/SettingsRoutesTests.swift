import Testing

@testable import GatewayWeb

@Suite(.timeLimit(.minutes(2)))
struct SettingsRoutesTests {
    @Test("the settings are read by everybody, and changed by an admin")
    func change() async throws {
        try await GatewayServer.run { server in
            let admin = try await server.admin()
            let changed = try await admin.json("PATCH", "/api/settings", #"{"seatlessMinutes": 45}"#)
            #expect(changed["seatlessMinutes"] == .integer(45) && changed["idleMinutes"] == .integer(0))
            let guest = try await server.person("grace", role: "guest", by: admin)
            let seen = try await guest.json("GET", "/api/settings")
            #expect(seen == changed)
            let refused = try await guest.call("PATCH", "/api/settings", #"{"seatlessMinutes": 1}"#)
            #expect(refused.status == 403 && refused.json["missing"] as? String == "settings.edit")
            let absurd = try await admin.call("PATCH", "/api/settings", #"{"seatlessMinutes": -1}"#)
            #expect(absurd.status == 422 && absurd.json["field"] as? String == "seatlessMinutes")
        }
    }
}
