import NIOConcurrencyHelpers
import SSH
import SSHTestSupport
import TestSupport
import Testing

/// Who is asked whether a user may come in.
@Suite struct AuthorizationHandlerTests {
    @Test("what the handler on the loop knows is asked of nobody else")
    func known() async throws {
        let asked = NIOLockedValueBox(0)
        let server = try await OurServer { _, handlers in
            handlers.authorize = { _, _ in
                asked.withLockedValue { $0 += 1 }
                return .refuse
            }
            handlers.authorizeAtOnce = { request, _ in request.method.name == "publickey" ? .accept : .refuse }
        }
        let connection = try await server.connect()
        #expect(try await connection.run("exit 4").exit == .status(4))
        #expect(asked.withLockedValue { $0 } == 0)
        await connection.close()
    }

    @Test("what the handler on the loop does not know is asked of the other one")
    func unknown() async throws {
        let server = try await OurServer { _, handlers in
            handlers.authorizeAtOnce = { request, _ in request.username == "nobody" ? .refuse : nil }
        }
        let connection = try await server.connect()
        await connection.close()
        let error = await #expect(throws: SSHError.self) {
            _ = try await server.connect { $0.username = "nobody" }
        }
        #expect(error?.code == .authenticationFailed)
    }

    @Test("an offered key is judged by the server's own handler where there is one")
    func offeredKeys() async throws {
        let offered = NIOLockedValueBox<[String]>([])
        let server = try await OurServer { _, handlers in
            handlers.mayOfferKey = { _, identity, _ in
                offered.withLockedValue { $0.append(identity.algorithm) }
                return false
            }
        }
        let client = try ClientProgram()
        let outcome = try await client.run("\(try await client.openSSH(server)) true")
        #expect(outcome.status == 255)
        #expect(offered.withLockedValue { $0 } == ["ssh-ed25519"])
    }
}
