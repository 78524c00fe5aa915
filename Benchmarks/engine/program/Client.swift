import NIOCore
import NIOPosix
import SSH

/// A connection of ours, as the options say it: `--port N --user NAME --key FILE [--cipher NAME] [--kex NAME]`.
struct Client: Sendable {
    let address: SocketAddress
    let endpoint: SSHEndpoint
    let configuration: SSHClientConfiguration

    init(_ arguments: Arguments) throws {
        let port = try arguments.number("port")
        address = try SocketAddress(ipAddress: "127.0.0.1", port: port)
        endpoint = SSHEndpoint(host: "127.0.0.1", port: port)
        let key = try SSHPrivateKey(file: try contents(of: arguments.text("key")))
        // The host key is compared, as every client has to.
        let line = String(decoding: try contents(of: arguments.text("host-key")), as: UTF8.self)
        let hostKey = try SSHPublicKey(authorizedKeysLine: line)
        var configuration = SSHClientConfiguration(
            username: try arguments.text("user"), credentials: [.privateKey(key)]
        ) { question in
            question.publicKey == hostKey ? .accept : .refuse(reason: "Not the host key.")
        }
        if let name = arguments.optional("cipher") {
            guard let cipher = CipherName(rawValue: name) else { throw UsageError("there is no cipher \(name)") }
            configuration.algorithms.ciphers = [cipher]
        }
        if let name = arguments.optional("mac") {
            guard let mac = MACName(rawValue: name) else { throw UsageError("there is no MAC \(name)") }
            configuration.algorithms.macs = [mac]
        }
        if let name = arguments.optional("kex") {
            guard let method = KeyExchangeMethod(rawValue: name) else { throw UsageError("there is no \(name)") }
            configuration.algorithms.keyExchange = [method]
        }
        configuration.maximumChannels = 10_000
        self.configuration = configuration
    }

    func connect(on eventLoop: any EventLoop) async throws -> SSHConnection {
        try await SSHClient.connect(to: address, endpoint: endpoint, configuration: configuration, on: eventLoop)
    }
}
