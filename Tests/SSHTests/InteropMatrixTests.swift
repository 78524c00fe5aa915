import Foundation
import SSH
import SSHCrypto
import SSHKeys
import SSHProtocol
import SSHTestSupport
import TestSupport
import Testing

/// Every algorithm against a real sshd. All pairs that interact are tried; `COPILOT_FULL_TESTS=1` tries the whole product.
@Suite struct InteropMatrixTests {
    private static let methods: [KeyExchangeMethod] = [
        .sntrup761x25519OpenSSH, .curve25519, .curve25519LibSSH, .ecdhP256, .ecdhP384, .ecdhP521, .dhGroup14SHA256,
        .dhGroup16SHA512, .dhGroup18SHA512,
    ]

    /// 300 kB there and back through `cat`, so that every packet length comes about.
    private func echo(_ server: OpenSSHServer, _ change: (inout SSHClientConfiguration) async throws -> Void)
        async throws
    {
        let connection = try await server.connect(change)
        let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
        let result = try await connection.run("cat", stdin: bytes)
        expectSame(result.standardOutput, bytes)
        #expect(result.exit == .status(0))
        await connection.close()
    }

    @Test("every key exchange method works with every host key algorithm")
    func keyExchangeTimesHostKey() async throws {
        let server = try await OpenSSHServer()
        for method in Self.methods {
            for hostKey in HostKeyAlgorithm.keys {
                let connection = try await server.connect {
                    $0.algorithms.keyExchange = [method]
                    $0.algorithms.hostKeys = [hostKey]
                }
                #expect(connection.negotiated.keyExchange == method)
                #expect(connection.negotiated.hostKey == hostKey)
                await connection.close()
            }
        }
    }

    @Test("every cipher works with every MAC", arguments: CipherName.standard)
    func cipherTimesMAC(cipher: CipherName) async throws {
        let server = try await OpenSSHServer()
        for mac in cipher.isAEAD ? [.hmacSHA256] : MACName.standard {
            try await echo(server) {
                $0.algorithms.ciphers = [cipher]
                $0.algorithms.macs = [mac]
            }
        }
    }

    @Test("a user's key of every kind is let in, encrypted files too", arguments: TestKeys.kinds)
    func userKeys(kind: String) async throws {
        let server = try await OpenSSHServer()
        let file = try await TestKeys.folder().read("locked_\(kind)")
        let unlocked = try SSHPrivateKey(file: file, passphrase: Array("correct horse".utf8))
        for key in [try await TestKeys.user(kind), unlocked] {
            try await echo(server) { $0.credentials = [.privateKey(key)] }
        }
    }

    @Test("several keys are tried in turn until one is let in")
    func severalKeys() async throws {
        let server = try await OpenSSHServer()
        try await echo(server) {
            $0.credentials = [
                .privateKey(.generateEd25519()), .privateKey(.generateEd25519()),
                .privateKey(try await TestKeys.user("ecdsa384")),
            ]
        }
    }

    @Test("two keys in a row are given to a host that wants both")
    func partialSuccess() async throws {
        let server = try await OpenSSHServer(["AuthenticationMethods publickey,publickey"])
        try await echo(server) {
            $0.credentials = [
                .privateKey(try await TestKeys.user("ed25519")), .privateKey(try await TestKeys.user("rsa")),
            ]
        }
        let error = await #expect(throws: SSHError.self) {
            _ = try await server.connect { $0.credentials = [.privateKey(try await TestKeys.user("ed25519"))] }
        }
        #expect(error?.code == .authenticationFailed)
        #expect(error?.description.contains("accepted publickey and still asks for publickey") == true)
    }

    @Test(
        "the whole product of algorithms works",
        .enabled(if: ProcessInfo.processInfo.environment["COPILOT_FULL_TESTS"] != nil))
    func wholeProduct() async throws {
        let server = try await OpenSSHServer()
        for method in Self.methods {
            for cipher in CipherName.standard {
                for mac in cipher.isAEAD ? [.hmacSHA256] : MACName.standard {
                    for hostKey in HostKeyAlgorithm.keys {
                        for kind in TestKeys.kinds {
                            let connection = try await server.connect {
                                $0.algorithms = AlgorithmPreferences(
                                    keyExchange: [method], hostKeys: [hostKey], ciphers: [cipher], macs: [mac])
                                $0.credentials = [.privateKey(try await TestKeys.user(kind))]
                            }
                            #expect(try await connection.run("true").exit == .status(0))
                            await connection.close()
                        }
                    }
                }
            }
        }
    }
}
