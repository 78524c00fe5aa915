import SSH
import SSHCrypto
import SSHProtocol
import SSHTestSupport
import Testing

/// What only old gear still needs, against a real sshd that was told to allow it.
@Suite struct LegacyInteropTests {
    static let options = [
        "KexAlgorithms diffie-hellman-group14-sha1,diffie-hellman-group1-sha1,curve25519-sha256",
        "Ciphers " + CipherName.allCases.filter(\.isLegacy).map(\.rawValue).joined(separator: ","),
        "MACs " + MACName.allCases.map(\.rawValue).joined(separator: ","),
    ]

    @Test("a legacy cipher works with every MAC once it is named", arguments: CipherName.allCases.filter(\.isLegacy))
    func ciphers(cipher: CipherName) async throws {
        let server = try await OpenSSHServer(Self.options)
        for mac in MACName.allCases {
            let connection = try await server.connect {
                $0.algorithms.ciphers = [cipher]
                $0.algorithms.macs = [mac]
            }
            let bytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
            #expect(try await connection.run("cat", stdin: bytes).standardOutput == bytes)
            await connection.close()
        }
    }

    @Test("a SHA-1 key exchange works once it is named", arguments: [KeyExchangeMethod.dhGroup14SHA1, .dhGroup1SHA1])
    func keyExchange(method: KeyExchangeMethod) async throws {
        let server = try await OpenSSHServer(Self.options)
        let connection = try await server.connect {
            $0.algorithms.keyExchange = [method]
            $0.algorithms.ciphers = [.aes256CBC]
        }
        #expect(connection.negotiated.keyExchange == method)
        #expect(try await connection.run("echo hello").standardOutput == Array("hello\n".utf8))
        await connection.close()
    }

    @Test("a host that has legacy algorithms alone is refused unasked")
    func refused() async throws {
        let server = try await OpenSSHServer(Self.options)
        await #expect(throws: (any Error).self) { _ = try await server.connect { _ in } }
    }
}
