import Foundation
import HTTPTypes
import Logging
import NIOPosix
import Testing

@testable import GatewayWeb

@Suite(.timeLimit(.minutes(1)))
struct HTTPServiceTests {
    private func health(_ routes: RouteTable) {
        routes.open(.get, "/api/health") { _ in try JSONAnswer.response(HealthAnswer(status: "ok")) }
    }

    private func withTLSServer<Result>(_ body: (TestServer, String) async throws -> Result) async throws -> Result {
        try await withTemporaryFolder { folder in
            let transport = WebConfiguration.Transport.tls(certificate: folder + "/c.pem", key: folder + "/k.pem")
            return try await TestServer.run(transport: transport, routes: { health($0) }) { try await body($0, folder) }
        }
    }

    @Test("TLS 1.3 is spoken and TLS 1.2 refused")
    func onlyTLS13() async throws {
        try await withTLSServer { server, folder in
            let arguments = [
                "s_client", "-connect", "127.0.0.1:\(server.port)", "-CAfile", folder + "/authority.pem", "-alpn",
                "h2,http/1.1",
            ]
            let new = try await runProgram("/usr/bin/openssl", arguments + ["-tls1_3"])
            #expect(new.output.contains("TLSv1.3") && new.output.contains("ALPN protocol: http/1.1"))
            #expect(new.output.contains("Verify return code: 0 (ok)"))
            let old = try await runProgram("/usr/bin/openssl", arguments + ["-tls1_2"])
            #expect(old.status != 0 && old.output.contains("alert protocol version"))
        }
    }

    @Test("over TLS every answer asks the browser to stay with TLS and carries the page's limits")
    func headers() async throws {
        try await withTLSServer { server, folder in
            let result = try await runProgram(
                "/usr/bin/curl",
                [
                    "-si", "--cacert", folder + "/c.pem", "--max-time", "5",
                    "https://localhost:\(server.port)/api/health",
                ])
            let answer = result.output.lowercased()
            #expect(answer.contains("strict-transport-security: max-age="))
            #expect(answer.contains("content-security-policy: \(AnswerHeaders.contentSecurityPolicy)"))
            #expect(answer.contains("x-content-type-options: nosniff"))
            #expect(answer.contains("referrer-policy: no-referrer"))
            #expect(answer.contains("cache-control: no-store"))
            #expect(answer.contains("date: "))
        }
    }

    @Test("the content security policy is the promised one")
    func policy() {
        #expect(
            AnswerHeaders.contentSecurityPolicy
                == "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
                + "font-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'")
    }

    @Test("without TLS nothing claims that there is")
    func cleartext() async throws {
        try await TestServer.run(routes: { health($0) }) { server in
            let response = try await server.request("GET", "/api/health")
            #expect(response.status == 200 && response.headers["strict-transport-security"] == nil)
        }
    }

    @Test("a changed certificate is used from the next connection on, and a broken one is not")
    func renewal() async throws {
        try await withTemporaryFolder { folder in
            let file = CertificateFile(certificatePath: folder + "/c.pem", keyPath: folder + "/k.pem")
            try file.prepare(names: [])
            let certificate = try TLSCertificate(certificatePath: file.certificatePath, keyPath: file.keyPath)
            let first = ObjectIdentifier(certificate.context)
            certificate.reloadIfChanged(logger: .silent)
            #expect(ObjectIdentifier(certificate.context) == first)
            try file.prepare(names: ["renewed.example"])
            certificate.reloadIfChanged(logger: .silent)
            let second = ObjectIdentifier(certificate.context)
            #expect(second != first)
            try "broken".write(toFile: file.certificatePath, atomically: true, encoding: .utf8)
            certificate.reloadIfChanged(logger: .silent)
            #expect(ObjectIdentifier(certificate.context) == second)
        }
    }

    @Test("without TLS only a loopback address is served", arguments: ["0.0.0.0", "::", "192.0.2.1", "example.org"])
    func cleartextBeyondLoopback(address: String) async throws {
        let error = await startError(WebConfiguration(address: address, port: 0, transport: .cleartext))
        #expect(error?.code == .cleartextBeyondLoopback)
    }

    @Test("a port in use is named in the error")
    func portInUse() async throws {
        try await TestServer.run { server in
            let error = await startError(WebConfiguration(port: server.port, transport: .cleartext))
            #expect(error?.code == .addressInUse)
            #expect(error?.description.contains("127.0.0.1:\(server.port)") == true)
        }
    }

    @Test("a name that is none is refused at start")
    func badName() async throws {
        let error = await startError(WebConfiguration(port: 0, transport: .cleartext, names: ["http://x/"]))
        #expect(error?.code == .invalidName)
    }

    /// What starting a server with this configuration throws.
    private func startError(_ configuration: WebConfiguration) async -> WebServerError? {
        do {
            let cookies = CookieNames(isEncrypted: false)
            let authentication = Authentication(tokens: try await AccessTokens(), cookies: cookies) { _, _, _ in .test }
            let service = HTTPService(
                configuration: configuration, routes: RouteTable(authentication: authentication, limits: WebLimits()),
                cookies: cookies, group: MultiThreadedEventLoopGroup.singleton,
                logger: .silent)
            try await service.run()
            return nil
        } catch {
            return error as? WebServerError
        }
    }
}
