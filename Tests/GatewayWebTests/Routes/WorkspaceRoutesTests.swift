import Testing

@testable import GatewayWeb

@Suite(.timeLimit(.minutes(1)))
struct WorkspaceRoutesTests {
    private static let macro = #"{"name": "Restart", "text": "systemctl restart {{service}}", "shared": %}"#

    private func body(shared: Bool) -> String { Self.macro.replacing("%", with: shared ? "true" : "false") }

    @Test("a macro is its owner's, and a shared one everybody's who may type")
    func macros() async throws {
        try await GatewayServer.run { server in
            let admin = try await server.admin()
            let grace = try await server.person("grace", role: "devops", by: admin)
            let guest = try await server.person("guest", role: "guest", by: admin)
            #expect(try await admin.call("POST", "/api/macros", body(shared: false)).status == 201)
            #expect(try await admin.call("POST", "/api/macros", body(shared: true)).status == 201)
            #expect(try await admin.call("GET", "/api/macros").body.contains(#""shared":false"#))
            let seen = try await grace.call("GET", "/api/macros")
            #expect(seen.body.contains(#""shared":true"#) && !seen.body.contains(#""shared":false"#))
            #expect(seen.body.contains(#""mayEdit":false"#))
            #expect(try await guest.call("GET", "/api/macros").body == #"{"macros":[]}"#)
        }
    }

    @Test("sharing, and changing what is shared, needs the permission; what one may not see is not there")
    func permission() async throws {
        try await GatewayServer.run { server in
            let admin = try await server.admin()
            let grace = try await server.person("grace", role: "devops", by: admin)
            let refused = try await grace.call("POST", "/api/macros", body(shared: true))
            #expect(refused.status == 403 && refused.body.contains("macro.share"))
            let shared = try await admin.call("POST", "/api/macros", body(shared: true))
            let own = try await admin.call("POST", "/api/macros", body(shared: false))
            let (sharedID, ownID) = (try id(of: shared.body), try id(of: own.body))
            #expect(try await grace.call("PATCH", "/api/macros/\(sharedID)", body(shared: false)).status == 403)
            #expect(try await grace.call("DELETE", "/api/macros/\(sharedID)", "{}").status == 403)
            #expect(try await grace.call("DELETE", "/api/macros/\(ownID)", "{}").status == 404)
            #expect(try await admin.call("DELETE", "/api/macros/\(ownID)", "{}").status == 204)
        }
    }

    @Test(
        "a macro that would press other keys than it shows is refused",
        arguments: [#"ls\u001b[A"#, #"ls\u0003"#, #"ls \u202e"#, "", #"\n"#])
    func control(text: String) async throws {
        try await GatewayServer.run { server in
            let admin = try await server.admin()
            let answer = try await admin.call("POST", "/api/macros", #"{"name": "x", "text": "\#(text)"}"#)
            #expect(answer.status == 422 && answer.body.contains(#""field":"text""#))
        }
    }

    @Test("the inbox and the devices begin empty, and an endpoint that is no push service is refused")
    func inbox() async throws {
        try await GatewayServer.run { server in
            let admin = try await server.admin()
            #expect(try await admin.call("GET", "/api/inbox").body == #"{"notices":[],"unread":0}"#)
            #expect(try await admin.call("GET", "/api/push/devices").body == #"{"devices":[]}"#)
            #expect(try await admin.call("POST", "/api/inbox/read", "{}").status == 204)
            #expect(try await admin.call("GET", "/api/push/key").body.count > 90)
            let key = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
            let answer = try await admin.call(
                "POST", "/api/push/devices",
                """
                {"endpoint": "http://127.0.0.1/x", "keys": {"p256dh": "\(key)", "auth": "BTBZMqHH6r4Tts7J_aSIgg"}}
                """)
            #expect(answer.status == 422 && answer.body.contains(#""field":"endpoint""#))
        }
    }

    private func id(of body: String) throws -> String {
        let rest = try #require(body.split(separator: #""id":"mac_"#).dropFirst().first)
        return "mac_" + rest.prefix { $0 != "\"" }
    }
}
