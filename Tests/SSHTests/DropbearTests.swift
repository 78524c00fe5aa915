import NIOCore
import SSH
import SSHTestSupport
import TestSupport
import Testing

@Suite(
    .enabled(
        if: DropbearServer.isInstalled && AccountNamespace.isPossible,
        "needs dropbear, root and a mount namespace"))
struct DropbearTests {
    @Test("every key exchange method and host key that dropbear has works")
    func algorithms() async throws {
        let server = try await DropbearServer()
        let methods: [KeyExchangeMethod] = [.curve25519, .curve25519LibSSH, .ecdhP256, .ecdhP384, .ecdhP521]
        for method in methods {
            for hostKey in [HostKeyAlgorithm.ed25519, .ecdsaP256, .rsaSHA256] {
                let connection = try await server.connect {
                    $0.algorithms.keyExchange = [method]
                    $0.algorithms.hostKeys = [hostKey]
                }
                #expect(connection.negotiated.hostKey == hostKey)
                await connection.close()
            }
        }
    }

    @Test("data goes there and back whole with each of dropbear's ciphers")
    func ciphers() async throws {
        let server = try await DropbearServer()
        let bytes = (0..<700_000).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 9) }
        for cipher in [CipherName.chacha20Poly1305, .aes128CTR, .aes256CTR] {
            let connection = try await server.connect { $0.algorithms.ciphers = [cipher] }
            let result = try await connection.run("cat", stdin: bytes)
            expectSame(result.standardOutput, bytes)
            await connection.close()
        }
    }

    @Test("an RSA key is let in with rsa-sha2-256, the only algorithm that dropbear announces for it")
    func rsaUser() async throws {
        let server = try await DropbearServer()
        let connection = try await server.connect { $0.credentials = [.privateKey(try await TestKeys.user("rsa"))] }
        #expect(try await connection.run("exit 4").exit == .status(4))
        #expect(!server.process.text.contains("Bad"))
    }

    @Test("a terminal, its size, a signal and the exit signal work")
    func session() async throws {
        let server = try await DropbearServer()
        let connection = try await server.connect()
        let recorder = SessionRecorder()
        let channel = try await connection.openSession(delegate: recorder)
        try await channel.startAndWait { channel in
            channel.requestPTY(term: "xterm", columns: 91, rows: 37)
            return channel.exec("stty size; read x; stty size; exec sleep 60")
        }
        try await recorder.waitFor("37 91")
        try await channel.onLoop {
            $0.resize(columns: 120, rows: 50)
            $0.write(ByteBuffer(string: "\n"))
        }
        try await recorder.waitFor("50 120")
        try await channel.onLoop { $0.signal("TERM") }
        #expect(try await recorder.waitUntilClosed().signal?.name == "TERM")
    }

    @Test("a password is let in, a wrong one is named as refused")
    func password() async throws {
        let server = try await DropbearServer()
        let connection = try await server.connect {
            $0.credentials = [.password(Array(AccountNamespace.password.utf8))]
        }
        #expect(try await connection.run("id -un").standardOutput == Array("tester\n".utf8))
        let error = await #expect(throws: SSHError.self) {
            _ = try await server.connect { $0.credentials = [.password(Array("wrong".utf8))] }
        }
        #expect(error?.code == .authenticationFailed)
    }

    @Test("a server that wants a key and a password gets both")
    func bothFactors() async throws {
        let server = try await DropbearServer(["-t"])
        let connection = try await server.connect {
            $0.credentials.append(.password(Array(AccountNamespace.password.utf8)))
        }
        #expect(try await connection.run("true").exit == .status(0))
    }
}
