import Foundation
import NIOCore
import NIOPosix
import SSH
import SSHApplications
import Testing

@testable import example_hello

/// Hello on a server of ours, for a person whose key is in a file.
private final class HelloServer: Sendable {
    let server: SSHServer
    let ada: SSHPrivateKey
    private let folder: TemporaryFolder

    init(unknownKeys: ApplicationDoor.UnknownKeys = .refuse) async throws {
        folder = try TemporaryFolder()
        ada = try SSHPrivateKey.generate(.ed25519)
        try folder.write("ada \(ada.publicKey.authorizedKeysLine())\n", to: "keys", mode: 0o644)
        let door = ApplicationDoor(keys: KeyFile(path: folder.file("keys")), unknownKeys: unknownKeys)
        var router = ApplicationRouter()
        router.add("hello", Hello())
        router.use(ApplicationRouter.knownPeopleOnly)
        let hostKey = HostKey(privateKey: try SSHPrivateKey.generate(.ed25519))
        server = try await SSHServer.start(
            on: .tcp(host: "127.0.0.1", port: 0), configuration: SSHServerConfiguration(hostKeys: [hostKey]),
            handlers: door.handlers(serving: router, name: "hello"))
    }

    func connect(as key: SSHPrivateKey? = nil, login: String = "hello") async throws -> SSHConnection {
        let configuration = SSHClientConfiguration(
            username: login, credentials: [.privateKey(key ?? ada)], verifyHostKey: { _ in .accept })
        return try await SSHClient.connect(
            to: SSHEndpoint(host: "127.0.0.1", port: server.port), configuration: configuration,
            on: MultiThreadedEventLoopGroup.singleton.any())
    }

    func forget() throws { try folder.write("", to: "keys", mode: 0o644) }
}

@Suite struct ApplicationServerTests {
    @Test("a command gets its words, its output and its status")
    func command() async throws {
        let server = try await HelloServer()
        let connection = try await server.connect()
        let result = try await connection.run("say 'a  b' \\$HOME")
        #expect(String(decoding: result.standardOutput, as: UTF8.self) == "a  b $HOME\n")
        #expect(result.exit == .status(0))
        let who = try await connection.run("whoami")
        #expect(String(decoding: who.standardOutput, as: UTF8.self) == "ada \(server.ada.publicKey.fingerprint)\n")
    }

    @Test("wrong use is said on standard error with status 64", arguments: ["nothing", "'open", "size"])
    func usage(command: String) async throws {
        let server = try await HelloServer()
        let result = try await server.connect().run(command)
        #expect(result.exit == .status(64) && result.standardOutput.isEmpty)
        #expect(String(decoding: result.standardError, as: UTF8.self).hasPrefix("hello: wrong use: "))
    }

    @Test("without a command and without a terminal it greets and ends")
    func shellWithoutTerminal() async throws {
        let server = try await HelloServer()
        let process = try await server.connect().openShell(pty: nil)
        #expect(try await text(of: process) == "Hello, ada.\n")
        #expect(try await process.exit() == .status(0))
    }

    @Test("in a terminal a line is edited, with the bytes that keys send")
    func conversation() async throws {
        let server = try await HelloServer()
        let process = try await server.connect().openShell()
        try await process.write("Rome\u{7f}\u{7f}\u{7f}\u{7f}B\u{1b}[Hx\u{1b}[3~\u{5}onn\r")
        let output = try await text(of: process)
        #expect(output.hasPrefix("Hello, ada.\r\n") && output.hasSuffix("It is nice in xonn.\r\n"))
        #expect(try await process.exit() == .status(0))
    }

    @Test("the terminal's size and its changes arrive, and Ctrl-C ends the visit")
    func windowChange() async throws {
        let server = try await HelloServer()
        let process = try await server.connect().start("size", pty: SSHTerminal(columns: 80, rows: 24))
        var output = ""
        while !output.contains("80 × 24\r\n"), let piece = try await process.read() {
            output += String(buffer: piece.bytes)
        }
        process.resize(columns: 100, rows: 30)
        while !output.contains("100 × 30\r\n"), let piece = try await process.read() {
            output += String(buffer: piece.bytes)
        }
        try await process.write("\u{3}")
        #expect(try await process.exit() == .status(130))
    }

    @Test("an unknown key is refused at the door, or greeted and refused inside with its own line")
    func unknownKeys() async throws {
        let stranger = try SSHPrivateKey.generate(.ed25519)
        let closed = try await HelloServer()
        await #expect(throws: SSHError.self) { try await closed.connect(as: stranger) }
        let greeting = try await HelloServer(unknownKeys: .greet)
        let result = try await greeting.connect(as: stranger).run("whoami")
        #expect(result.exit == .status(77))
        let said = String(decoding: result.standardError, as: UTF8.self)
        #expect(said.contains("refused") && said.contains(stranger.publicKey.authorizedKeysLine()))
    }

    @Test("a key that was removed is unknown at the next session of a connection that stands")
    func removedKey() async throws {
        let server = try await HelloServer()
        let connection = try await server.connect()
        #expect(try await connection.run("whoami").exit == .status(0))
        try server.forget()
        #expect(try await connection.run("whoami").exit == .status(77))
    }

    @Test("subsystems and forwarding are not there")
    func nothingElse() async throws {
        let server = try await HelloServer()
        let connection = try await server.connect()
        let sftp = try await connection.openSubsystem("sftp")
        _ = try await text(of: sftp)
        #expect(try await sftp.exit() == .status(64))
        await #expect(throws: SSHError.self) {
            try await connection.openStream(
                .directTCPIP(
                    target: TCPAddress(host: "127.0.0.1", port: 22), originator: TCPAddress(host: "127.0.0.1", port: 1))
            )
        }
    }

    private func text(of process: SSHProcess) async throws -> String {
        var text = ""
        while let piece = try await process.read() { text += String(buffer: piece.bytes) }
        return text
    }
}
