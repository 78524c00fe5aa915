import Foundation
import NIOCore
import NIOPosix
import SSHKeys

/// A real sshd on a free port of loopback with its own keys; the account that runs the tests may log in by key.
final class SSHServer: Sendable {
    private let process: Child
    private let folder: String
    let port: Int
    let userKey: SSHPrivateKey

    init(hostKeys: [String] = ["ed25519", "ecdsa"]) async throws {
        let folder = NSTemporaryDirectory() + "copilot-hosts-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
        let userKey = SSHPrivateKey.generateEd25519(comment: "test")
        let port = try await Self.freePort()
        try Self.write(userKey.publicKey.authorizedKeysLine(comment: "test") + "\n", folder + "/authorized_keys")
        for kind in hostKeys {
            let keygen = try Child(
                "/usr/bin/ssh-keygen", ["-q", "-t", kind, "-N", "", "-f", folder + "/host_" + kind], log: "/dev/null")
            guard keygen.wait() == 0 else { throw StartFailure("ssh-keygen failed") }
        }
        if getuid() == 0 {
            try? FileManager.default.createDirectory(atPath: "/run/sshd", withIntermediateDirectories: true)
        }
        let lines =
            [
                "ListenAddress 127.0.0.1:\(port)", "PidFile none", "UsePAM no", "StrictModes no", "PermitRootLogin yes",
                "PasswordAuthentication no", "KbdInteractiveAuthentication no",
                "AuthorizedKeysFile \(folder)/authorized_keys",
                // The start-up files of whoever runs the tests have no say.
                "SetEnv HOME=\(folder)",
            ] + hostKeys.map { "HostKey \(folder)/host_\($0)" }
        try Self.write(lines.joined(separator: "\n") + "\n", folder + "/sshd_config")
        try Self.write("", folder + "/log")
        (self.folder, self.userKey, self.port) = (folder, userKey, port)
        process = try Child("/usr/sbin/sshd", ["-D", "-e", "-f", folder + "/sshd_config"], log: folder + "/log")
        try await listening()
    }

    private func listening() async throws {
        let deadline = ContinuousClock.now + .seconds(10)
        while try !String(contentsOfFile: folder + "/log", encoding: .utf8).contains("Server listening") {
            guard ContinuousClock.now < deadline else { throw StartFailure("sshd did not start") }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    deinit {
        process.stop()
        try? FileManager.default.removeItem(atPath: folder)
    }

    func hostKey(_ kind: String) throws -> SSHPublicKey {
        try SSHPublicKey(authorizedKeysLine: try String(contentsOfFile: folder + "/host_\(kind).pub", encoding: .utf8))
    }

    /// Lets one more key log in.
    func authorize(_ line: String) throws {
        let lines = userKey.publicKey.authorizedKeysLine(comment: "test") + "\n" + line + "\n"
        try Self.write(lines, folder + "/authorized_keys")
    }

    private static func write(_ text: String, _ path: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    }

    struct StartFailure: Error {
        let text: String
        init(_ text: String) { self.text = text }
    }

    /// A port that nobody listens on now.
    static func freePort() async throws -> Int {
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).get()
        let port = channel.localAddress?.port ?? 0
        try await channel.close()
        return port
    }
}

/// A child by posix_spawn. Foundation's Process takes a child for dead when it closes the descriptors that it inherited,
/// as sshd does, and then waits for it on the thread that serves all other children.
private final class Child: Sendable {
    private let identifier: pid_t

    init(_ program: String, _ arguments: [String], log: String) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 2, log, O_WRONLY | O_APPEND, 0)
        let words = ([program] + arguments).map { strdup($0) }
        defer { for word in words { free(word) } }
        var identifier: pid_t = 0
        let code = posix_spawn(&identifier, program, &actions, nil, words + [nil], environ)
        guard code == 0 else { throw SSHServer.StartFailure("\(program): \(String(cString: strerror(code)))") }
        self.identifier = identifier
    }

    /// The exit status.
    func wait() -> Int32 {
        var status: Int32 = 0
        while waitpid(identifier, &status, 0) < 0 && errno == EINTR {}
        return status
    }

    func stop() {
        kill(identifier, SIGTERM)
        _ = wait()
    }
}
