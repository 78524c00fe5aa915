import Foundation
import NIOPosix
import SFTP
import SSH
import SSHTestSupport
import TestSupport
import Testing

// The example of the README, letter by letter: `DocumentationTests` compares it.

func fetch(_ folder: RemotePath, to local: String, over connection: SSHConnection) async throws -> UInt64 {
    let files = try await connection.sftp()
    for try await entry in files.list(folder) { print(entry.name) }
    let summary = try await files.download(folder, to: local) { print($0.bytes, "of", $0.totalBytes) }
    await files.close()
    return summary.bytes
}

@Suite struct SFTPLibraryExample {
    @Test("the README's example of SFTP runs against a server of ours whose root is a folder")
    func fetchFromOurServer() async throws {
        let folder = try TemporaryFolder()
        try Files.makeDirectory(folder.file("root/data"))
        try Files.write(Files.noise(300_000), to: folder.file("root/data/one"))
        try Files.write(Files.noise(7), to: folder.file("root/data/two"))
        let shared = try RootedFileSystem(root: folder.file("root"))
        let hostKey = SSHPrivateKey.generateEd25519()
        var handlers = SSHServerHandlers { _, _ in .accept }
        handlers.serveFiles { user in user.username == "alice" ? shared : nil }
        let server = try await SSHServer.start(
            on: .tcp(host: "127.0.0.1", port: 0),
            configuration: SSHServerConfiguration(hostKeys: [HostKey(privateKey: hostKey)]), handlers: handlers)
        func connect(_ name: String) async throws -> SSHConnection {
            try await SSHClient.connect(
                to: SSHEndpoint(host: "127.0.0.1", port: server.port),
                configuration: SSHClientConfiguration(username: name, credentials: [.privateKey(hostKey)]) { _ in
                    .accept
                },
                on: anyLoop())
        }
        let connection = try await connect("alice")
        #expect(try await fetch("/data", to: folder.file("here"), over: connection) == 300_007)
        #expect(await Files.areSame(folder.file("root/data"), folder.file("here")))
        let stranger = try await connect("bob")
        #expect(await sftpError { _ = try await stranger.sftp() } == .subsystemRefused)
        await server.shutdown(grace: .zero)
    }
}
