import Foundation
import Gateway
import HTTPTypes
import NIOCore
import Testing

@testable import GatewayWeb

@Suite(.timeLimit(.minutes(1)))
struct ErrorAnswersTests {
    private struct Order: Decodable {
        struct Item: Decodable {
            var size: Int
        }
        var name: String
        var items: [Item]?
        var kind: Kind?
        enum Kind: String, Decodable { case small, large }
    }

    private struct SecretiveError: Error {
        let secret = "hunter2"
    }

    private func withServer<Result>(_ body: (TestServer) async throws -> Result) async throws -> Result {
        var limits = WebLimits()
        limits.bodyBytes = 1024
        return try await TestServer.run(
            limits: limits,
            routes: { routes in
                routes.open(.post, "/api/order") { call in
                    _ = try call.body(Order.self)
                    return JSONAnswer.noContent
                }
                routes.open(.get, "/api/order/:id") { _ in throw SecretiveError() }
                routes.open(.delete, "/api/order/:id") { _ in JSONAnswer.noContent }
                routes.open(.get, "/api/refused") { _ in
                    throw GatewayError(
                        "too_many_attempts", status: 429, "Too many.", hint: "Wait.", missing: "user.manage",
                        field: "name", retryAfter: 17)
                }
                routes.signedIn(.get, "/api/me") { _, _ in JSONAnswer.noContent }
            }
        ) { try await body($0) }
    }

    @Test(
        "an unknown path is a JSON 404",
        arguments: ["/api/nothing", "/auth/nothing", "/nothing", "/api", "/api/order/1/2"])
    func unknownPath(path: String) async throws {
        try await withServer { server in
            let response = try await server.request("GET", path)
            #expect(response.status == 404 && response.code == "not_found")
            #expect(response.headers["content-type"] == "application/json; charset=utf-8")
        }
    }

    @Test("another method of a known path is a 405 that names the right ones")
    func method() async throws {
        try await withServer { server in
            let response = try await server.request("PUT", "/api/order/7", body: "{}")
            #expect(response.status == 405 && response.code == "method_not_allowed")
            #expect(response.headers["allow"] == "DELETE, GET")
        }
    }

    @Test(
        "a body that does not fit is a 422 that names the field",
        arguments: [
            ("{}", "name"), (#"{"name": 1}"#, "name"), (#"{"name": null}"#, "name"),
            (#"{"name": "a", "items": [{"size": 1}, {"size": "x"}]}"#, "items.1.size"),
            (#"{"name": "a", "items": [{}]}"#, "items.0.size"), (#"{"name": "a", "kind": "tiny"}"#, "kind"),
            ("[]", nil), ("{", nil), ("", nil), ("\u{0}", nil), (#"{"name": "a"} x"#, nil),
        ] as [(String, String?)])
    func invalidBody(body: String, field: String?) async throws {
        try await withServer { server in
            let response = try await server.request("POST", "/api/order", body: body)
            #expect(response.status == 422 && response.code == "invalid")
            #expect(response.json["field"] as? String == field)
            #expect(response.json["error"] is String && response.json["hint"] is String)
        }
    }

    @Test("unknown keys are ignored")
    func unknownKeys() async throws {
        try await withServer { server in
            let response = try await server.request("POST", "/api/order", body: #"{"name": "a", "later": {"x": 1}}"#)
            #expect(response.status == 204)
        }
    }

    @Test("an announced body that is too large is refused before it comes, and the connection ends")
    func largeBody() async throws {
        try await withServer { server in
            try await RawConnection.open(port: server.port) { connection in
                try await connection.send(
                    """
                    POST /api/order HTTP/1.1\r\nHost: localhost:\(server.port)\r\nContent-Type: application/json\r\n\
                    Content-Length: 1025\r\n\r\n
                    """)
                let response = try await connection.response()
                #expect(response.status == 413 && response.code == "too_large")
                #expect(response.headers["connection"] == "close")
                let rest = try await connection.rest()
                #expect(rest.isEmpty)
            }
        }
    }

    @Test("a chunked body that never ends is refused at the limit")
    func endlessBody() async throws {
        try await withServer { server in
            try await RawConnection.open(port: server.port) { connection in
                try await connection.send(
                    """
                    POST /api/order HTTP/1.1\r\nHost: localhost:\(server.port)\r\nContent-Type: application/json\r\n\
                    Transfer-Encoding: chunked\r\n\r\n
                    """ + "800\r\n" + String(repeating: "a", count: 2048) + "\r\n")
                let response = try await connection.response()
                #expect(response.status == 413)
            }
        }
    }

    @Test("an unforeseen error says nothing of itself")
    func unexpected() async throws {
        try await withServer { server in
            let response = try await server.request("GET", "/api/order/7")
            #expect(response.status == 500 && response.code == "internal")
            #expect(!response.body.contains("hunter2") && !response.body.contains("SecretiveError"))
        }
    }

    @Test("an error of the domain is told in full")
    func domainError() async throws {
        try await withServer { server in
            let response = try await server.request("GET", "/api/refused")
            #expect(response.status == 429)
            #expect(response.headers["retry-after"] == "17")
            #expect(response.json["missing"] as? String == "user.manage")
            #expect(response.json["field"] as? String == "name")
        }
    }

    @Test(
        "without a sign-in the answer is 401",
        arguments: [[], ["Authorization: Bearer x.y.z"], ["Authorization: Basic eDp5"], ["Cookie: copilot-access=x"]])
    func notSignedIn(headers: [String]) async throws {
        try await withServer { server in
            let response = try await server.request("GET", "/api/me", headers: headers)
            #expect(response.status == 401 && response.code == "not_signed_in")
        }
    }

    @Test("HEAD has no body, not even for an error, and the next answer follows at once")
    func head() async throws {
        try await withServer { server in
            try await RawConnection.open(port: server.port) { connection in
                let target = "/api/nothing HTTP/1.1\r\nHost: localhost:\(server.port)\r\n\r\n"
                try await connection.send("HEAD " + target + "GET " + target)
                let head = try await connection.response(hasBody: false)
                let get = try await connection.response()
                #expect(head.status == 404 && get.status == 404)
                #expect(head.headers["content-length"] == get.headers["content-length"])
            }
        }
    }

    @Test(
        "bytes that are no HTTP are answered with 400 and the connection ends",
        arguments: ["\u{16}\u{3}\u{1}\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n"])
    func garbage(bytes: String) async throws {
        try await withServer { server in
            try await RawConnection.open(port: server.port) { connection in
                try await connection.send(bytes)
                let rest = String(decoding: try await connection.rest(), as: UTF8.self)
                #expect(rest.hasPrefix("HTTP/1.1 400") || rest.isEmpty)
            }
        }
    }
}
