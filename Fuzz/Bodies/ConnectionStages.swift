import NIOCore
import SSHCrypto
import SSHKeys

@testable import SSHProtocol

/// Both ends of a connection in each phase of its life, made once by a real handshake. A machine is a value: every input
/// gets a copy of its own, and packets in clear take the place of the ciphers that copies would share.
enum ConnectionStages {
    static let start = NIODeadline.uptimeNanoseconds(1_000_000_000)

    struct Stage {
        var client: ConnectionMachine
        var server: ConnectionMachine
    }

    /// Fresh machines, then the first moment of each phase.
    nonisolated(unsafe) static let all: [Stage] = record()

    static var clientConfiguration: ClientConfiguration {
        var configuration = ClientConfiguration(username: "ada")
        configuration.credentials = [
            .external(.key(KeySamples.ecdsa.publicKey)), .privateKey(KeySamples.ed25519), .keyboardInteractive,
            .password([1, 2]),
        ]
        configuration.learnsHostKeys = true
        configuration.changesExpiredPasswords = true
        configuration.idleTimeout = .hours(1)
        configuration.algorithms = algorithms
        return configuration
    }

    static var serverConfiguration: ServerConfiguration {
        var configuration = ServerConfiguration(hostKeys: [
            HostKey(privateKey: KeySamples.ed25519), HostKey(privateKey: KeySamples.ecdsa),
        ])
        configuration.authenticationMethods = ["publickey", "password", "keyboard-interactive", "none"]
        configuration.banner = "hello"
        configuration.algorithms = algorithms
        configuration.allowsGroupExchange = true
        return configuration
    }

    /// Those whose shares cost microseconds, and every cipher.
    private static var algorithms: AlgorithmPreferences {
        AlgorithmPreferences(
            keyExchange: [.curve25519, .ecdhP256, .dhGroupExchangeSHA256],
            ciphers: CipherName.standard, macs: MACName.standard, compression: [.none, .zlib])
    }

    /// - Parameter choice: 1: compressed, 2: new keys every few packets, 4: another cipher, 8: the server asks for them.
    static func fresh(_ choice: UInt8 = 0) -> Stage {
        var (client, server) = (clientConfiguration, serverConfiguration)
        if choice & 1 != 0 { client.algorithms.compression = [.zlib] }
        let often = RekeyPolicy(bytes: 20_000, packets: 40)
        if choice & 2 != 0 { client.rekey = often }
        if choice & 8 != 0 { server.rekey = often }
        if choice & 4 != 0 { client.algorithms.ciphers = [.aes128CTR, .chacha20Poly1305] }
        return Stage(
            client: ConnectionMachine(client: client, random: { [UInt8](repeating: 7, count: $0) }),
            server: ConnectionMachine(server: server, random: { [UInt8](repeating: 8, count: $0) }))
    }

    private static func record() -> [Stage] {
        var stages = [fresh()]
        var client = ConnectionOwner(stages[0].client, now: start)
        var server = ConnectionOwner(stages[0].server, now: start)
        client.isCleartext = false
        server.isCleartext = false
        client.machine.start(now: start)
        server.machine.start(now: start)
        var seen = Set([phases(client, server)])
        // Byte by byte, so that no phase is passed over.
        for _ in 0..<200 {
            for isUp in [true, false] {
                let output = isUp ? client.machine.drainOutput(now: start) : server.machine.drainOutput(now: start)
                for byte in output?.readableBytesView ?? ByteBufferView() {
                    let piece = ByteBuffer(bytes: [byte])
                    if isUp {
                        server.machine.receive(piece, now: start)
                    } else {
                        client.machine.receive(piece, now: start)
                    }
                    for _ in 0..<4 {
                        try? client.takeEvents()
                        try? server.takeEvents()
                        client.answerQuestion(1)
                        server.answerQuestion(1)
                    }
                    guard seen.insert(phases(client, server)).inserted else { continue }
                    stages.append(uncovered(client, server))
                }
            }
        }
        // And at rest, with nothing on the way.
        stages.append(uncovered(client, server))
        return stages
    }

    private static func phases(_ client: ConnectionOwner, _ server: ConnectionOwner) -> String {
        "\(client.machine.phase) \(server.machine.phase)"
    }

    private static func uncovered(_ client: ConnectionOwner, _ server: ConnectionOwner) -> Stage {
        var (client, server) = (client, server)
        client.uncover()
        server.uncover()
        return Stage(client: client.machine, server: server.machine)
    }
}
