import SSH
import Testing

extension InteropTests {
    /// Passwords and questions, both ways. Keys of every kind are in `AlgorithmTests`, certificates in `CertificateTests`.
    @Suite struct AuthenticationTests {
        @Test("every client comes in by password, and not by another one", arguments: Peer.clients)
        func passwords(peer: Peer) async throws {
            let server = try await EngineServer { configuration, _ in
                configuration.core.authenticationMethods = ["password"]
            }
            var visit = Visit(port: server.port, login: .password(PeerServer.password))
            visit.action = .exec("echo in")
            let report = try await peer.visit(visit)
            #expect(report.text == "in\n", "\(report.log) \(server.log)")
            visit.login = .password("another")
            #expect(try await peer.visit(visit).text != "in\n")
            #expect(server.authenticated.map(\.methods) == [[AuthenticatedUser.Method(name: "password")]])
        }

        /// PuTTY and Dropbear ask a person at the terminal for answers, or give one password to one question.
        @Test("every library's client and ssh answer two questions", arguments: [.openSSH] + Peer.libraries)
        func questions(peer: Peer) async throws {
            let server = try await EngineServer { configuration, _ in
                configuration.core.authenticationMethods = ["keyboard-interactive"]
            }
            var visit = Visit(port: server.port, login: .answers(PeerServer.answers))
            visit.action = .exec("echo in")
            let report = try await peer.visit(visit)
            #expect(report.text == "in\n", "\(report.log) \(server.log)")
            visit.login = .answers(["123456", "red"])
            #expect(try await peer.visit(visit).text != "in\n")
            #expect(server.authenticated.map(\.methods) == [[AuthenticatedUser.Method(name: "keyboard-interactive")]])
        }

        @Test("our client gives every server its password, and its answers", arguments: Peer.libraries)
        func ourClient(peer: Peer) async throws {
            let server = try await PeerServer(peer)
            let logins: [SSHCredential] = [
                .password(Array(PeerServer.password.utf8)),
                .keyboardInteractive { prompt in prompt.questions.count == 2 ? PeerServer.answers : [] },
            ]
            for login in logins {
                let connection = try await server.connect { $0.credentials = [login] }
                #expect(try await connection.run("echo in").standardOutput == Array("in\n".utf8))
                await connection.close()
            }
            for login in [
                SSHCredential.password(Array("another".utf8)), .keyboardInteractive { _ in ["123456", "red"] },
            ] {
                let error = await #expect(throws: SSHError.self) {
                    _ = try await server.connect { $0.credentials = [login] }
                }
                #expect(error?.code == .authenticationFailed, "\(error?.description ?? "")")
            }
        }
    }
}
