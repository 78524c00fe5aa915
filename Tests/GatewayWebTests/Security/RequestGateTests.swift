import HTTPTypes
import Testing

@testable import GatewayWeb

@Suite(.timeLimit(.minutes(1)))
struct RequestGateTests {
    private func withServer<Result>(_ body: (TestServer) async throws -> Result) async throws -> Result {
        try await TestServer.run(
            names: WebConfiguration.loopbackNames + ["copilot.example", "front.example:443"],
            routes: { routes in
                routes.open(.get, "/api/health") { _ in try JSONAnswer.response(HealthAnswer(status: "ok")) }
                routes.open(.post, "/api/act") { _ in JSONAnswer.noContent }
                routes.openWithBytes(.post, "/api/file") { _ in JSONAnswer.noContent }
                TerminalRoute(endpoint: EchoTerminal(), limits: WebLimits(), isStillSignedIn: { _ in true }).add(
                    to: routes)
            }
        ) { try await body($0) }
    }

    @Test(
        "a host that is ours is answered",
        arguments: [
            "localhost:PORT", "LOCALHOST:PORT", "127.0.0.1:PORT", "[::1]:PORT", "copilot.example:PORT",
            "front.example:443",
        ])
    func ownHost(host: String) async throws {
        try await withServer { server in
            let host = host.replacing("PORT", with: "\(server.port)")
            let response = try await server.request("GET", "/api/health", host: host)
            #expect(response.status == 200)
        }
    }

    @Test(
        "a host that is not ours, or another port of ours, is refused on reads too",
        arguments: [
            "evil.example:PORT", "evil.example", "localhost", "localhost:1", "localhost:PORT.evil.example",
            "evil@localhost:PORT", "localhost:PORT,evil.example", "front.example:PORT", "front.example",
            "127.0.0.2:PORT",
            "[::2]:PORT", "[::1", "localhost:99999", "",
        ])
    func foreignHost(host: String) async throws {
        try await withServer { server in
            let host = host.replacing("PORT", with: "\(server.port)")
            let response = try await server.request("GET", "/api/health", host: host)
            #expect(response.status == 421)
            #expect(response.code == "wrong_host")
            #expect(response.headers["x-content-type-options"] == "nosniff")
        }
    }

    @Test(
        "a file comes as bytes and as nothing else, and JSON comes as JSON",
        arguments: [
            ("/api/file", "application/octet-stream", 204), ("/api/file", "application/json", 415),
            ("/api/file", "text/plain", 415), ("/api/act", "application/octet-stream", 415),
            ("/api/act", "application/json", 204),
        ])
    func contentTypes(path: String, type: String, status: Int) async throws {
        try await withServer { server in
            let response = try await server.request("POST", path, headers: ["Content-Type: \(type)"], body: "{}")
            #expect(response.status == status)
        }
    }

    @Test("a second Host field is refused, whatever it says")
    func twoHosts() async throws {
        try await withServer { server in
            let response = try await server.request("GET", "/api/health", headers: ["Host: localhost:\(server.port)"])
            #expect(response.status == 421 || response.status == 400)
        }
    }

    @Test("a target that names a foreign host is refused, whatever the Host field says (RFC 9112 §3.2.2)")
    func absoluteTarget() async throws {
        try await withServer { server in
            let foreign = try await server.request("GET", "http://evil.example/api/health")
            #expect(foreign.status == 421)
        }
    }

    @Test(
        "an act with a cookie from another origin, or from none, is refused",
        arguments: [
            ["Origin: http://evil.example"], ["Origin: null"], ["Origin: https://localhost:PORT"],
            ["Origin: http://localhost:1"], ["Origin: http://localhost"],
            ["Origin: http://localhost:PORT.evil.example"],
            ["Origin: http://localhost:PORT/"], ["Origin: http://user@localhost:PORT"], ["Origin: "], [],
        ])
    func foreignOrigin(headers: [String]) async throws {
        try await withServer { server in
            let headers = headers.map { $0.replacing("PORT", with: "\(server.port)") }
            let response = try await server.request(
                "POST", "/api/act", headers: headers + ["Cookie: copilot-access=x"], body: "{}")
            #expect(response.status == 403)
            #expect(response.code == "foreign_origin")
        }
    }

    @Test("a foreign origin is refused without a cookie too")
    func foreignOriginWithoutCookie() async throws {
        try await withServer { server in
            let response = try await server.request(
                "POST", "/api/act", headers: ["Origin: http://evil.example"], body: "{}")
            #expect(response.status == 403)
        }
    }

    @Test("an act from an own page is let through, and from a program without cookies")
    func ownOrigin() async throws {
        try await withServer { server in
            let own = ["Origin: http://localhost:\(server.port)", "Cookie: copilot-access=x"]
            let fromPage = try await server.request("POST", "/api/act", headers: own, body: "{}")
            let fromProgram = try await server.request("POST", "/api/act", body: "{}")
            #expect(fromPage.status == 204 && fromProgram.status == 204)
        }
    }

    @Test("a WebSocket with a cookie needs our exact origin", arguments: ["http://evil.example", "null", nil])
    func foreignWebSocket(origin: String?) async throws {
        try await withServer { server in
            let token = try await server.tokens.sign(userID: "usr_test", signInID: "sgn_test")
            try await RawConnection.open(port: server.port) { connection in
                let headers = ["Cookie: copilot-access=\(token)"] + (origin.map { ["Origin: \($0)"] } ?? [])
                try await connection.send(WebSocketClient.handshake(port: server.port, headers: headers))
                let response = try await connection.response()
                #expect(response.status == 403)
                #expect(response.code == "foreign_origin")
            }
        }
    }

    @Test("a WebSocket with the cookie from our own page opens")
    func ownWebSocket() async throws {
        try await withServer { server in
            let token = try await server.tokens.sign(userID: "usr_test", signInID: "sgn_test")
            try await RawConnection.open(port: server.port) { connection in
                let headers = ["Cookie: copilot-access=\(token)", "Origin: http://localhost:\(server.port)"]
                try await connection.send(WebSocketClient.handshake(port: server.port, headers: headers))
                #expect(try await connection.response(hasBody: false).status == 101)
            }
        }
    }

    @Test(
        "a body that is not marked as JSON is refused", arguments: ["text/plain", "application/x-www-form-urlencoded"])
    func contentType(type: String) async throws {
        try await withServer { server in
            let response = try await server.request(
                "POST", "/api/act", headers: ["Content-Type: \(type)"], body: "{}")
            #expect(response.status == 415)
            #expect(response.code == "unsupported_media_type")
        }
    }
}
