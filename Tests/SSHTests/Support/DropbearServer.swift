import Foundation
import NIOCore
import SSH
import SSHTestSupport
import TestSupport

/// A real dropbear on a free port of loopback, with an account and keys of its own.
final class DropbearServer: Sendable {
    static var isInstalled: Bool { FileManager.default.isExecutableFile(atPath: "/usr/sbin/dropbear") }

    let port: Int
    let process: ChildProcess
    private let account: AccountNamespace
    private let folder: TemporaryFolder

    var endpoint: SSHEndpoint { SSHEndpoint(host: "127.0.0.1", port: port) }

    init(_ options: [String] = [], hostKeys: [String] = ["ed25519", "ecdsa", "rsa"]) async throws {
        account = try await AccountNamespace.withTestKeys()
        folder = try TemporaryFolder()
        port = try await freePort()
        var arguments = ["-F", "-E", "-p", "127.0.0.1:\(port)", "-P", folder.file("pid")]
        for kind in hostKeys {
            // dropbearkey -t TYPE -f FILE
            try await ChildProcess.tool("/usr/bin/dropbearkey", ["-t", kind, "-f", folder.file("host_\(kind)")])
            arguments += ["-r", folder.file("host_\(kind)")]
        }
        process = try account.start("/usr/sbin/dropbear", arguments + options, log: folder.file("log"))
        let port = port
        guard try await eventually({ await isListening(port) }) else {
            throw ToolFailure(description: "dropbear did not start: \(process.text)")
        }
    }

    func connect(_ change: (inout SSHClientConfiguration) async throws -> Void = { _ in }) async throws -> SSHConnection
    {
        var configuration = try await SSHClientConfiguration.test()
        configuration.username = AccountNamespace.user
        try await change(&configuration)
        let connection = try await SSHClient.connect(to: endpoint, configuration: configuration, on: anyLoop())
        // The server stays for as long as the connection, whoever still names it.
        connection.closed.whenComplete { _ in withExtendedLifetime(self) {} }
        return connection
    }
}
