import Foundation
import SFTP
import SSH
import SSHTestSupport
import TestSupport

/// What the tests do with files of this machine.
enum Files {
    /// Bytes that look like nothing and are the same each time.
    static func noise(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
        var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
        var words: [UInt64] = []
        words.reserveCapacity(count / 8 + 1)
        for _ in 0...count / 8 {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            words.append(state)
        }
        return words.withUnsafeBytes { Array($0.prefix(count)) }
    }

    static func write(_ bytes: [UInt8], to path: String) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: path))
    }

    static func read(_ path: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(fileURLWithPath: path))) }

    static func makeDirectory(_ path: String) throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    static func information(_ path: String) throws -> stat {
        var information = stat()
        guard lstat(path, &information) == 0 else { throw ToolFailure(description: "\(path) does not exist") }
        return information
    }

    static func exists(_ path: String) -> Bool { (try? information(path)) != nil }

    /// Whether two trees hold the same, by diff(1), which does not follow links.
    static func areSame(_ first: String, _ second: String) async -> Bool {
        (try? await ChildProcess.tool("/usr/bin/diff", ["-r", "--no-dereference", first, second])) != nil
    }
}

/// A real sshd with its own sftp-server, and a client of ours on a connection to it.
struct OpenSSHFiles {
    static let isInstalled = FileManager.default.isExecutableFile(atPath: "/usr/lib/openssh/sftp-server")

    let server: OpenSSHServer
    let connection: SSHConnection
    let client: SFTPClient

    init(_ options: String = "") async throws {
        server = try await OpenSSHServer(["Subsystem sftp /usr/lib/openssh/sftp-server \(options)"])
        connection = try await server.connect()
        client = try await connection.sftp()
    }
}

func sftpError(_ body: () async throws -> Void) async -> SFTPError.Code? {
    do {
        try await body()
        return nil
    } catch { return (error as? SFTPError)?.code }
}
