import Foundation
import NIOConcurrencyHelpers
import NIOCore
import SSH
import SSHTestSupport
import TestSupport
import Testing

/// Passwords and rounds of questions.
@Suite struct PasswordTests {
    private static let right = SSHCredential.password(Array(AccountNamespace.password.utf8))

    @Suite(.enabled(if: AccountNamespace.isPossible, "needs root and a mount namespace"))
    struct OpenSSH {
        private func connect(
            _ options: [String], _ credentials: [SSHCredential]
        ) async throws -> SSHConnection {
            let server = try await OpenSSHServer(options, account: .withTestKeys())
            return try await server.connect {
                $0.username = AccountNamespace.user
                $0.credentials = credentials
            }
        }

        @Test("a password is let in")
        func password() async throws {
            let connection = try await connect(["PasswordAuthentication yes"], [PasswordTests.right])
            #expect(try await connection.run("id -un").standardOutput == Array("tester\n".utf8))
        }

        @Test("a key and then a password are given to a host that wants both")
        func keyAndPassword() async throws {
            let connection = try await connect(
                ["PasswordAuthentication yes", "AuthenticationMethods publickey,password"],
                [PasswordTests.right, .privateKey(try await TestKeys.user())])
            #expect(try await connection.run("true").exit == .status(0))
        }

        @Test("a wrong password is refused once, and the error names what the host still offers")
        func wrongPassword() async throws {
            let server = try await OpenSSHServer(["PasswordAuthentication yes"], account: .withTestKeys())
            let error = await #expect(throws: SSHError.self) {
                _ = try await server.connect {
                    $0.username = AccountNamespace.user
                    $0.credentials = [.password(Array("wrong".utf8))]
                }
            }
            #expect(error?.code == .authenticationFailed)
            #expect(error?.offeredMethods == ["publickey", "password"])
            #expect(error?.description.contains("wrong") == false)
            #expect(try await eventually { server.log.contains("Failed password") })
            #expect(server.log.components(separatedBy: "Failed password").count == 2)
        }

        @Test("a signal reaches the process of an unprivileged account")
        func signal() async throws {
            let connection = try await connect([], [.privateKey(try await TestKeys.user())])
            let recorder = SessionRecorder()
            let channel = try await connection.openSession(delegate: recorder)
            try await channel.startAndWait {
                $0.exec("trap 'echo caught; exit 9' TERM; echo ready; while :; do sleep 0.05; done")
            }
            try await recorder.waitFor("ready")
            try await channel.onLoop { $0.signal("TERM") }
            let record = try await recorder.waitUntilClosed()
            #expect(record.text.contains("caught"))
            #expect(record.status == 9)
        }
    }

    @Suite(.enabled("needs AsyncSSH from the Python package index") { await AsyncSSHServer.isPossible })
    struct AsyncSSH {
        private func connect(
            _ server: AsyncSSHServer, _ change: (inout SSHClientConfiguration) async throws -> Void
        ) async throws -> SSHConnection {
            var configuration = try await SSHClientConfiguration.test()
            try await change(&configuration)
            let connection = try await SSHClient.connect(
                to: server.endpoint, configuration: configuration, on: anyLoop())
            connection.closed.whenComplete { _ in withExtendedLifetime(server) {} }
            return connection
        }

        @Test("the post-quantum hybrid works, and new keys by it too")
        func hybrid() async throws {
            let server = try await AsyncSSHServer(options: "rekey_bytes=300000")
            let connection = try await connect(server) { $0.rekey = RekeyPolicy(bytes: 256 * 1024) }
            #expect(connection.negotiated.keyExchange == .mlkem768x25519)
            let bytes = [UInt8](repeating: 7, count: 2_000_000)
            let result = try await connection.run("any", stdin: bytes, limit: bytes.count)
            expectSame(result.standardOutput, bytes)
            #expect(result.exit == .status(5))
        }

        @Test("a password is let in, and the banner arrives as the host sent it")
        func password() async throws {
            let server = try await AsyncSSHServer("password")
            let banner = NIOLockedValueBox("")
            let connection = try await connect(server) {
                $0.credentials = [PasswordTests.right]
                $0.banner = { text in banner.withLockedValue { $0 += text } }
            }
            #expect(try await connection.run("any").exit == .status(5))
            #expect(banner.withLockedValue { $0 } == "Welcome \u{1B}[31mto all\n")
        }

        @Test("a stored password answers the one question of keyboard-interactive")
        func oneQuestion() async throws {
            let server = try await AsyncSSHServer("one question")
            let connection = try await connect(server) { $0.credentials = [PasswordTests.right] }
            #expect(try await connection.run("any").exit == .status(5))
        }

        @Test("a person answers two rounds of questions")
        func questions() async throws {
            let server = try await AsyncSSHServer("questions")
            let asked = NIOLockedValueBox<[String]>([])
            let connection = try await connect(server) {
                $0.credentials = [
                    .keyboardInteractive { prompt in
                        asked.withLockedValue { $0 += prompt.questions.map { "\($0.text)\($0.echoes)" } }
                        return prompt.questions.count == 1 ? ["correct horse 42"] : ["123456", "blue"]
                    }
                ]
            }
            #expect(asked.withLockedValue { $0 } == ["Password: false", "Code: false", "Colour: true"])
            #expect(try await connection.run("any").exit == .status(5))
        }

        @Test("a stored password is no answer to a second round")
        func secondRound() async throws {
            let server = try await AsyncSSHServer("questions")
            let error = await #expect(throws: SSHError.self) {
                _ = try await connect(server) { $0.credentials = [PasswordTests.right] }
            }
            #expect(error?.code == .authenticationFailed)
        }

        @Test("a person who gives up is not let in")
        func givesUp() async throws {
            let server = try await AsyncSSHServer("questions")
            let error = await #expect(throws: SSHError.self) {
                _ = try await connect(server) { $0.credentials = [.keyboardInteractive { _ in nil }] }
            }
            #expect(error?.code == .authenticationFailed)
        }
    }
}
