import Foundation
import NIOCore
import NIOPosix
import SSHKeys

/// A real sshd on a free port of loopback with its own keys; the account that runs the tests may log in by key.
final class SSHServer: @unchecked Sendable {
    // Unchecked: `process` is only started here and stopped in the deinitialiser.
    private let process = Process()
    private let folder: String
    let port: Int
    let userKey: SSHPrivateKey

    init(hostKeys: [String] = ["ed25519", "ecdsa"]) async throws {
        folder = NSTemporaryDirectory() + "copilot-hosts-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
        userKey = SSHPrivateKey.generateEd25519(comment: "test")
        port = try await Self.freePort()
        try write(userKey.publicKey.authorizedKeysLine(comment: "test") + "\n", "authorized_keys")
        for kind in hostKeys {
            try Self.run("/usr/bin/ssh-keygen", ["-q", "-t", kind, "-N", "", "-f", folder + "/host_" + kind])
        }
        if getuid() == 0 {
            try? FileManager.default.createDirectory(atPath: "/run/sshd", withIntermediateDirectories: true)
        }
        let lines =
            [
                "ListenAddress 127.0.0.1:\(port)", "PidFile none", "UsePAM no", "StrictModes no", "PermitRootLogin yes",
                "PasswordAuthentication no", "KbdInteractiveAuthentication no",
                "AuthorizedKeysFile \(folder)/authorized_keys",
            ] + hostKeys.map { "HostKey \(folder)/host_\($0)" }
        try write(lines.joined(separator: "\n") + "\n", "sshd_config")
        try await start()
    }

    deinit {
        if process.isRunning {
            kill(process.processIdentifier, SIGTERM)
            process.waitUntilExit()
        }
        try? FileManager.default.removeItem(atPath: folder)
    }

    func hostKey(_ kind: String) throws -> SSHPublicKey {
        try SSHPublicKey(authorizedKeysLine: try String(contentsOfFile: folder + "/host_\(kind).pub", encoding: .utf8))
    }

    /// Lets one more key log in.
    func authorize(_ line: String) throws {
        let lines = userKey.publicKey.authorizedKeysLine(comment: "test") + "\n" + line + "\n"
        try write(lines, "authorized_keys")
    }

    private func write(_ text: String, _ name: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: folder + "/" + name))
    }

    private func start() async throws {
        try write("", "log")
        process.executableURL = URL(fileURLWithPath: "/usr/sbin/sshd")
        process.arguments = ["-D", "-e", "-f", folder + "/sshd_config"]
        process.standardInput = FileHandle.nullDevice
        process.standardError = FileHandle(forWritingAtPath: folder + "/log")
        try process.run()
        let deadline = ContinuousClock.now + .seconds(10)
        while ContinuousClock.now < deadline, process.isRunning {
            if try String(contentsOfFile: folder + "/log", encoding: .utf8).contains("Server listening") { return }
            try await Task.sleep(for: .milliseconds(5))
        }
        throw StartFailure("sshd did not start")
    }

    struct StartFailure: Error {
        let text: String
        init(_ text: String) { self.text = text }
    }

    private static func run(_ program: String, _ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw StartFailure("\(program) failed") }
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
