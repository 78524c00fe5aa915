import Foundation
import Recording
import SFTP
import SSH
import SSHKeys

/// `newcomer PORT USER-KEY HOST-KEY.pub FOLDER TARGET`: what the README's examples do, with an sshd on that port.
@main
struct Newcomer {
    static func main() async throws {
        let words = CommandLine.arguments
        guard words.count == 6, let port = Int(words[1]) else { throw Failure("five words are needed") }
        let key = try SSHPrivateKey(text: String(contentsOfFile: words[2], encoding: .utf8))
        let line = try String(contentsOfFile: words[3], encoding: .utf8)
        let recorded = try SSHPublicKey(authorizedKeysLine: line)
        let sshd = SSHEndpoint(host: "127.0.0.1", port: port)

        let system = try await uname(of: sshd, key: key, recorded: recorded)
        try expect(system.hasPrefix("Linux "), "uname says \(system)")
        do {
            let another = SSHPrivateKey.generateEd25519().publicKey
            let said = try await uname(of: sshd, key: key, recorded: another)
            throw Failure("a key that is not the host's was taken: \(said)")
        } catch let error as SSHError {
            try expect(error.code == .hostKeyRefused, "the error is \(error)")
        }
        try await likeSSH(words, port)
        try await server(key)
        try await files(sshd, key, recorded, RemotePath(words[4]), words[5])
        try recording(words[5] + ".cast")
        print("client, configuration, server, files and recording work")
    }

    private static func likeSSH(_ words: [String], _ port: Int) async throws {
        let options = [
            "HostName=127.0.0.1", "Port=\(port)", "IdentityFile=\(words[2])", "IdentitiesOnly=yes",
            "UserKnownHostsFile=\(words[3]).known", "GlobalKnownHostsFile=none", "HostKeyAlias=bench",
        ]
        let connection = try await connect(likeSSH: "bench", options: options)
        let result = try await connection.run("exit 3")
        try expect(result.exit == .status(3), "the status is \(result.exit)")
        await connection.close()
    }

    private static func server(_ key: SSHPrivateKey) async throws {
        let (hostKey, alice) = (SSHPrivateKey.generateEd25519(), SSHPrivateKey.generateEd25519())
        let server = try await greeter(port: 0, hostKey: hostKey, alice: alice.publicKey)
        let endpoint = SSHEndpoint(host: "127.0.0.1", port: server.port)
        let configuration = SSHClientConfiguration(username: "alice", credentials: [.privateKey(alice)]) { question in
            question.publicKey == hostKey.publicKey ? .accept : .refuse(reason: "another key")
        }
        let connection = try await SSHClient.connect(to: endpoint, configuration: configuration)
        let result = try await connection.run("true")
        let said = String(decoding: result.standardOutput, as: UTF8.self)
        try expect(said == "You asked for true\n" && result.exit == .status(0), "the server says \(said)")
        await connection.close()
        await server.shutdown(grace: .zero)
    }

    private static func files(
        _ sshd: SSHEndpoint, _ key: SSHPrivateKey, _ recorded: SSHPublicKey, _ folder: RemotePath, _ target: String
    ) async throws {
        let configuration = SSHClientConfiguration(username: NSUserName(), credentials: [.privateKey(key)]) {
            question in
            question.publicKey == recorded ? .accept : .refuse(reason: "another key")
        }
        let connection = try await SSHClient.connect(to: sshd, configuration: configuration)
        let bytes = try await fetch(folder, to: target, over: connection)
        await connection.close()
        try expect(bytes == 6, "\(bytes) bytes came")
        let copy = try String(contentsOfFile: target + "/greeting", encoding: .utf8)
        try expect(copy == "hello\n", "the copy is \(copy)")
    }

    private static func recording(_ path: String) throws {
        let pipe = Pipe()
        try pipe.fileHandleForWriting.write(contentsOf: Data("what a program says".utf8))
        try pipe.fileHandleForWriting.close()
        try record(pipe.fileHandleForReading, into: path)
        let cast = try String(contentsOfFile: path, encoding: .utf8)
        try expect(cast.contains("what a program says"), "the recording is \(cast)")
    }

    private static func expect(_ holds: Bool, _ otherwise: String) throws {
        guard holds else { throw Failure(otherwise) }
    }
}

struct Failure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
