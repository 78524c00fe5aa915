import Foundation
import HTTPTypes
import Testing

@testable import GatewayWeb

@Suite(.timeLimit(.minutes(2)))
struct OpenAPITests {
    @Test("every call of the server is described, and every described call is one of the server's")
    func sameCalls() async throws {
        try await GatewayServer.run { server in
            let routes = try await WebServer.routes(
                configuration: WebConfiguration(transport: .cleartext), gateway: server.gateway,
                cookies: CookieNames(isEncrypted: false))
            let routed = routes.routes.map { route in
                let path = route.segments.map { $0.hasPrefix(":") ? "{\($0.dropFirst())}" : String($0) }
                return "\(route.method.rawValue) /" + path.joined(separator: "/")
            }
            #expect(routed.count == Set(routed).count)
            let described = try OpenAPIDescription.served().calls
            #expect(Set(routed) == described)
        }
    }

    @Test("the description is served, the same as in the sources")
    func served() async throws {
        try await GatewayServer.run { server in
            let response = try await server.browser().call("GET", "/openapi.yaml")
            #expect(response.status == 200)
            let calls = try OpenAPIDescription(response.body).calls
            #expect(calls == (try OpenAPIDescription.served().calls))
        }
    }

    @Test("every call that needs a sign-in says so without one, and no other does")
    func security() async throws {
        try await GatewayServer.run { server in
            let open: Set = [
                "GET /api/health", "GET /api/server", "GET /openapi.yaml", "POST /auth/redeem/check",
                "POST /auth/redeem",
                "POST /auth/sign-in", "POST /auth/refresh", "POST /auth/join/check", "POST /auth/join",
            ]
            for call in try OpenAPIDescription.served().calls.subtracting(open) {
                let parts = call.split(separator: " ").map(String.init)
                let path = parts[1].replacing(/\{[A-Za-z]+\}/, with: "x")
                let response = try await server.browser().call(parts[0], path)
                #expect(response.status == 401 && response.code == "not_signed_in", "\(call)")
            }
        }
    }

    @Test(
        "an answer that drifts from its description is noticed",
        arguments: [
            (#"{"status": "ok"}"#, true), (#"{"status": "up"}"#, false), (#"{"status": "ok", "more": 1}"#, false),
            ("{}", false), (#"{"status": 1}"#, false), ("[]", false), ("", false),
        ])
    func drift(body: String, isGood: Bool) throws {
        var response = RawResponse(head: "HTTP/1.1 200 OK\r\ncontent-type: application/json")
        response.body = body
        let problems = try OpenAPIDescription.served().problems(
            method: "GET", path: "/api/health", response: response)
        #expect(problems.isEmpty == isGood)
    }

    @Test("an undescribed status, body or content type is noticed")
    func otherDrift() throws {
        let description = try OpenAPIDescription.served()
        var created = RawResponse(head: "HTTP/1.1 201 Created\r\ncontent-type: application/json")
        created.body = #"{"status": "ok"}"#
        var text = RawResponse(head: "HTTP/1.1 200 OK\r\ncontent-type: text/plain")
        text.body = "ok"
        for response in [created, text] {
            #expect(!description.problems(method: "GET", path: "/api/health", response: response).isEmpty)
        }
        #expect(!description.problems(method: "GET", path: "/api/unknown", response: text).isEmpty)
    }
}
