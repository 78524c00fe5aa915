import Foundation
import Gateway
import Logging
import NIOPosix
import Testing

@testable import GatewayWeb

/// A whole copilot with its web face, in a folder of its own. Every answer is checked against the API's description.
struct GatewayServer {
    let server: TestServer
    let gateway: Gateway
    private let description: OpenAPIDescription

    static func run<Result>(_ body: (GatewayServer) async throws -> Result) async throws -> Result {
        try await withTemporaryFolder { folder in
            let settings = try Configuration(
                layers: [], surroundings: .init(home: folder, currentDirectory: folder))
            let group = MultiThreadedEventLoopGroup.singleton
            let gateway = try await Gateway.open(settings, environment: [:], loops: group, logger: .silent)
            let work = Task { try await gateway.run() }
            let configuration = WebConfiguration(port: 0, transport: .cleartext, version: "test")
            let cookies = CookieNames(isEncrypted: false)
            let routes = try await WebServer.routes(configuration: configuration, gateway: gateway, cookies: cookies)
            let description = try OpenAPIDescription.served()
            do {
                let result = try await TestServer.run(
                    configuration, routes: routes, cookies: cookies, tokens: try await AccessTokens()
                ) { server in
                    try await body(GatewayServer(server: server, gateway: gateway, description: description))
                }
                work.cancel()
                try await work.value
                return result
            } catch {
                work.cancel()
                try? await work.value
                throw error
            }
        }
    }

    /// A browser of its own, with the first admin signed in.
    func admin() async throws -> Browser {
        let browser = browser()
        let token = try #require(try await gateway.people.firstAdminToken())
        let response = try await browser.call(
            "POST", "/auth/redeem",
            #"{"token": "\#(token)", "username": "ada", "name": "Ada", "password": "\#(Browser.password)"}"#)
        #expect(response.status == 201)
        return browser
    }

    /// A browser of its own, with a new person of this role signed in.
    func person(_ username: String, role: String, by admin: Browser) async throws -> Browser {
        let added = try await admin.call(
            "POST", "/api/users",
            """
            {"username": "\(username)", "name": "\(username.capitalized)", "role": "\(role)",
             "password": "\(Browser.password)"}
            """)
        #expect(added.status == 201)
        let browser = browser()
        let signedIn = try await browser.signIn(username)
        #expect(signedIn.status == 200)
        return browser
    }

    func browser() -> Browser { Browser(server: server, description: description) }
}

/// Somebody with a jar of cookies who uses the API as the page does.
final class Browser {
    static let password = "correct horse battery"

    private(set) var cookies: [String: String] = [:]
    private let server: TestServer
    private let description: OpenAPIDescription

    init(server: TestServer, description: OpenAPIDescription) {
        self.server = server
        self.description = description
    }

    var port: Int { server.port }

    func signIn(_ username: String, password: String = Browser.password) async throws -> RawResponse {
        try await call("POST", "/auth/sign-in", #"{"username": "\#(username)", "password": "\#(password)"}"#)
    }

    /// One call, with cookies and origin as a browser sends them.
    func call(_ method: String, _ path: String, _ body: String? = nil) async throws -> RawResponse {
        let response = try await server.request(method, path, headers: headers(), body: body)
        for field in response.cookies { keep(field) }
        let problems = description.problems(method: method, path: path, response: response)
        #expect(problems.isEmpty, "\(method) \(path): \(response.status) \(response.body)")
        return response
    }

    /// The same with the body as JSON.
    func json(_ method: String, _ path: String, _ body: String? = nil) async throws -> JSONValue {
        try JSONValue(try await call(method, path, body).body)
    }

    func headers() -> [String] {
        let jar = cookies.map { "\($0.key)=\($0.value)" }.sorted().joined(separator: "; ")
        return ["Origin: http://localhost:\(server.port)"] + (jar.isEmpty ? [] : ["Cookie: \(jar)"])
    }

    /// Goes back to older cookies, as a thief of them would.
    func restore(_ old: [String: String]) { cookies = old }

    func forget(_ name: String) { cookies[name] = nil }

    private func keep(_ field: String) {
        let parts = field.split(separator: ";").map { $0.trimmingCharacters(in: .whitespaces) }
        let pair = (parts.first ?? "").split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard pair.count == 2 else { return }
        cookies[String(pair[0])] = parts.contains("Max-Age=0") ? nil : String(pair[1])
    }
}
