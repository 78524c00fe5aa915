import Foundation
public import SSH
public import TestSupport

/// A real sshd on a free port of loopback, with a configuration and keys of its own.
public final class OpenSSHServer: Sendable {
    public let port: Int
    public let process: ChildProcess
    private let folder: TemporaryFolder
    private let account: AccountNamespace?

    public var endpoint: SSHEndpoint { SSHEndpoint(host: "127.0.0.1", port: port) }
    public var log: String { process.text }

    /// - Parameters:
    ///   - options: Further lines for sshd_config; the first value of a key counts.
    ///   - hostKeys: Kinds of keys, best first.
    ///   - account: A namespace in which the server sees an account of its own.
    public init(
        _ options: [String] = [], hostKeys: [String] = TestKeys.kinds, account: AccountNamespace? = nil
    ) async throws {
        self.account = account
        let keys = try await TestKeys.folder()
        folder = try TemporaryFolder()
        port = try await freePort()
        if getuid() == 0 {
            // sshd refuses to start as root without its empty folder, which the system's service makes.
            try? FileManager.default.createDirectory(atPath: "/run/sshd", withIntermediateDirectories: true)
        }
        let lines =
            options + [
                "ListenAddress 127.0.0.1:\(port)",
                "PidFile none",
                "UsePAM no",
                "StrictModes no",
                "PermitRootLogin yes",
                "PasswordAuthentication no",
                "KbdInteractiveAuthentication no",
                "PubkeyAuthentication yes",
                "AuthorizedKeysFile \(account == nil ? keys.file("authorized_keys") : ".ssh/authorized_keys")",
                "AcceptEnv LC_* TEST_*",
                "MaxStartups 200:30:300",
                "MaxSessions 300",
                "LogLevel VERBOSE",
                "KexAlgorithms curve25519-sha256,curve25519-sha256@libssh.org,"
                    + "ecdh-sha2-nistp256,ecdh-sha2-nistp384,ecdh-sha2-nistp521,sntrup761x25519-sha512@openssh.com,"
                    + "diffie-hellman-group14-sha256,diffie-hellman-group16-sha512,diffie-hellman-group18-sha512",
                "Ciphers aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,"
                    + "aes128-ctr,aes192-ctr,aes256-ctr",
                "MACs hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha2-256,hmac-sha2-512",
            ] + hostKeys.map { "HostKey \(keys.file("host_\($0)"))" }
            // The start-up files of whoever runs the tests have no say in what a shell prints or how long it takes.
            + (account == nil ? ["SetEnv HOME=\(folder.path)"] : [])
        try folder.write(lines.joined(separator: "\n") + "\n", to: "sshd_config")
        let arguments = ["-D", "-e", "-f", folder.file("sshd_config")]
        process =
            if let account {
                try account.start("/usr/sbin/sshd", arguments, log: folder.file("log"))
            } else {
                try ChildProcess("/usr/sbin/sshd", arguments, log: folder.file("log"))
            }
        guard try await eventually({ [process] in process.text.contains("Server listening") || !process.isRunning }),
            process.isRunning
        else { throw ToolFailure(description: "sshd did not start: \(process.text)") }
    }
}

/// The account the tests run as.
public let currentUser = NSUserName()
