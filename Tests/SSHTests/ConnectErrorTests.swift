import NIOCore
import NIOPosix
import SSH
import SSHCrypto
import SSHKeys
import SSHProtocol
import SSHTestSupport
import TestSupport
import Testing

/// What each failure is called.
@Suite struct ConnectErrorTests {
    private func failure(
        _ endpoint: SSHEndpoint, _ change: (inout SSHClientConfiguration) async throws -> Void = { _ in },
        allow: @escaping @Sendable (SocketAddress) -> Bool = { _ in true }
    ) async throws -> SSHError {
        var configuration = try await SSHClientConfiguration.test()
        try await change(&configuration)
        let error = await #expect(throws: SSHError.self) {
            _ = try await SSHClient.connect(
                to: endpoint, configuration: configuration, on: anyLoop(), allowAddress: allow)
        }
        let found = try #require(error)
        #expect(!found.hint.isEmpty)
        #expect(found.description.hasSuffix("."))
        return found
    }

    @Test("a name that nobody has is host_not_found")
    func unknownName() async throws {
        let error = try await failure(SSHEndpoint(host: "no-such-host.invalid"))
        #expect(error.code == .hostNotFound)
        #expect(error.description.contains("no-such-host.invalid"))
    }

    @Test("a port on which nothing listens is connection_refused")
    func refused() async throws {
        let error = try await failure(SSHEndpoint(host: "127.0.0.1", port: try await freePort()))
        #expect(error.code == .connectionRefused)
    }

    @Test("an address that is not allowed is never connected to")
    func addressNotAllowed() async throws {
        let server = try await RawServer(says: "SSH-2.0-x\r\n")
        let error = try await failure(server.endpoint, allow: { $0.ipAddress != "127.0.0.1" })
        #expect(error.code == .addressNotAllowed)
        #expect(error.description.contains("127.0.0.1"))
        #expect(server.accepted == 0)
    }

    @Test("a name goes on to its next address when the first one refuses")
    func triesEveryAddress() async throws {
        let server = try await OpenSSHServer()
        let connection = try await SSHClient.connect(
            to: SSHEndpoint(host: "localhost", port: server.port), configuration: .test(), on: anyLoop())
        #expect(connection.remoteAddress.ipAddress == "127.0.0.1")
        await connection.close()
    }

    @Test("a web server is not_ssh, and its words are shown harmlessly")
    func webServer() async throws {
        let server = try await RawServer(says: "HTTP/1.1 400 Bad \u{1B}[31mRequest\r\n\r\n", thenCloses: true)
        let error = try await failure(server.endpoint)
        #expect(error.code == .notSSH)
        #expect(error.description.contains("HTTP/1.1 400 Bad ·[31mRequest"))
    }

    @Test("a server that closes without a word is not_ssh")
    func closesAtOnce() async throws {
        let server = try await RawServer(says: "", thenCloses: true)
        #expect(try await failure(server.endpoint).code == .notSSH)
    }

    @Test("a server that only listens runs into the handshake's time-out")
    func silent() async throws {
        let server = try await RawServer()
        let error = try await failure(server.endpoint) { $0.handshakeTimeout = .milliseconds(150) }
        #expect(error.code == .handshakeTimeout)
        #expect(try await eventually { server.closed == 1 })
    }

    @Test("a server of version 1 is version_not_supported")
    func versionOne() async throws {
        let server = try await RawServer(says: "SSH-1.5-old\r\n")
        #expect(try await failure(server.endpoint).code == .versionNotSupported)
    }

    @Test("a host without a common algorithm is named with both lists")
    func noCommonAlgorithm() async throws {
        let server = try await OpenSSHServer(["Ciphers aes256-cbc"])
        let error = try await failure(server.endpoint)
        #expect(error.code == .noCommonAlgorithm)
        #expect(error.description.contains("aes256-cbc"))
        #expect(error.description.contains("aes128-gcm@openssh.com"))
        #expect(error.description.contains("cipher"))
    }

    @Test("a host key that is refused ends the connection before authentication")
    func hostKeyRefused() async throws {
        let server = try await OpenSSHServer()
        let error = try await failure(server.endpoint) {
            $0.verifyHostKey = { _ in .refuse(reason: "The key is another one.") }
        }
        #expect(error.code == .hostKeyRefused)
        #expect(error.description == "The key is another one.")
        #expect(!server.log.contains("userauth"))
        #expect(!server.log.contains("Accepted"))
    }

    @Test("a key that the host does not know is authentication_failed, with what it still offers")
    func authenticationFailed() async throws {
        let server = try await OpenSSHServer()
        let error = try await failure(server.endpoint) { $0.credentials = [.privateKey(.generateEd25519())] }
        #expect(error.code == .authenticationFailed)
        #expect(error.offeredMethods == ["publickey"])
        #expect(error.description.contains("still offers publickey"))
    }

    @Test("a password for a host that takes only keys says so")
    func unfitCredential() async throws {
        let server = try await OpenSSHServer()
        let error = try await failure(server.endpoint) { $0.credentials = [.password(Array("secret".utf8))] }
        #expect(error.code == .authenticationFailed)
        #expect(error.description.contains("none of the credentials fits"))
        #expect(!error.description.contains("secret"))
    }

    @Test("giving a connection up closes its socket")
    func cancellation() async throws {
        let server = try await RawServer()
        let configuration = try await SSHClientConfiguration.test()
        let task = Task {
            try await SSHClient.connect(to: server.endpoint, configuration: configuration, on: anyLoop())
        }
        #expect(try await eventually { server.accepted == 1 })
        task.cancel()
        let error = await #expect(throws: SSHError.self) { _ = try await task.value }
        #expect(error?.code == .cancelled)
        #expect(try await eventually { server.closed == 1 })
    }

    @Test("giving a connection up while the host key is being looked at closes its socket")
    func cancellationDuringQuestion() async throws {
        let server = try await OpenSSHServer()
        var configuration = try await SSHClientConfiguration.test()
        let (asked, continuation) = AsyncStream.makeStream(of: Void.self)
        configuration.verifyHostKey = { _ in
            continuation.finish()
            try? await Task.sleep(for: .seconds(60))
            return .accept
        }
        let prepared = configuration
        let task = Task { try await SSHClient.connect(to: server.endpoint, configuration: prepared, on: anyLoop()) }
        for await _ in asked {}
        task.cancel()
        let error = await #expect(throws: SSHError.self) { _ = try await task.value }
        #expect(error?.code == .cancelled)
        #expect(try await eventually { server.log.contains("Connection closed by") })
        #expect(!server.log.contains("Accepted"))
    }

    @Test("the host key is read without any authentication")
    func readsHostKey() async throws {
        let server = try await OpenSSHServer()
        let report = try await SSHClient.readHostKey(of: server.endpoint, on: anyLoop())
        #expect(report.publicKey == (try await TestKeys.host("ed25519")))
        #expect(report.algorithm == "ssh-ed25519")
        #expect(report.serverIdentification.hasPrefix("SSH-2.0-OpenSSH_"))
        #expect(report.remoteAddress.ipAddress == "127.0.0.1")
        #expect(!server.log.contains("userauth"))
    }

    @Test("a recorded RSA key is shown by a host that also has an Ed25519 key")
    func prefersRecordedKey() async throws {
        let server = try await OpenSSHServer()
        let recorded = try await TestKeys.host("rsa")
        let report = try await SSHClient.readHostKey(
            of: server.endpoint, algorithms: .standard.preferring(hostKey: recorded), on: anyLoop())
        #expect(report.publicKey == recorded)
        #expect(report.algorithm == "rsa-sha2-512")
    }
}
