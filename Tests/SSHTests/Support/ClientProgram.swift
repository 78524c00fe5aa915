import Foundation
import SSH
import SSHTestSupport
import TestSupport

/// Runs a client of somebody else to its end, with its three streams in files.
struct ClientProgram: Sendable {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// - Parameter script: For /bin/sh.
    func run(
        _ script: String, input: [UInt8] = [], within seconds: Double = 60
    ) async throws -> ChildProcess.Outcome {
        let file = folder.file(UUID().uuidString)
        try Data(input).write(to: URL(fileURLWithPath: file))
        return try await ChildProcess.run("/bin/sh", ["-c", script], input: file, within: seconds)
    }

    func start(_ script: String) throws -> ChildProcess {
        try ChildProcess("/bin/sh", ["-c", script], log: folder.file("log"))
    }

    /// OpenSSH's client with nothing of this machine's configuration.
    func openSSH(_ server: OurServer, _ options: String = "") async throws -> String {
        "/usr/bin/ssh \(options) \(try await openSSHOptions()) -p \(server.port) 127.0.0.1"
    }

    func openSSHOptions() async throws -> String {
        "-F /dev/null -i \(try await TestKeys.folder().file("user_ed25519")) -o StrictHostKeyChecking=no"
            + " -o UserKnownHostsFile=/dev/null -o IdentitiesOnly=yes -o BatchMode=yes -o LogLevel=ERROR"
    }
}
