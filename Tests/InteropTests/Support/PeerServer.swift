import Foundation
import NIOCore
import NIOPosix
import SSH
import SSHTestSupport
import TestSupport

/// A foreign server on a free port of loopback that offers everything it has.
final class PeerServer: Sendable {
    static let password = "correct horse 42"
    static let answers = ["123456", "blue"]

    let peer: Peer
    let port: Int
    /// The account to log in to.
    let user: String
    private let program: ChildProcess
    private let folder: TemporaryFolder
    private let account: AccountNamespace?

    var endpoint: SSHEndpoint { SSHEndpoint(host: "127.0.0.1", port: port) }
    var log: String { program.text + program.errors }

    /// - Parameters:
    ///   - algorithms: What it is told to offer; everything that both ends have by default.
    ///   - certificates: Let users in by certificates alone, and prove the host by one.
    init(
        _ peer: Peer, _ offer: Offer = Offer(), rekey: Int? = nil, certificates: Bool = false
    ) async throws {
        self.peer = peer
        folder = try TemporaryFolder()
        port = try await freePort()
        let keys = try await InteropKeys.get()
        switch peer {
        case .openSSH:
            user = NSUserName()
            account = nil
            program = try Self.sshd(folder, port, keys, offer, rekey, certificates)
        case .dropbear:
            user = AccountNamespace.user
            let account = try await AccountNamespace(authorizedKeys: try keys.text("authorized_keys"))
            self.account = account
            program = try await Self.dropbear(folder, port, keys, account)
        default:
            user = InteropKeys.user
            account = nil
            let command = try await peer.command
            program = try ChildProcess(
                command[0],
                command.dropFirst() + Self.arguments(peer, port, keys, offer, rekey, certificates))
        }
        let port = port
        let isUp = try await eventually(within: 20) { [program] in
            if !program.isRunning { return true }
            return await isListening(port)
        }
        guard isUp, program.isRunning else { throw ToolFailure(description: "\(peer) did not start: \(log)") }
    }

    /// Lists of algorithms that a server is to offer.
    struct Offer: Sendable {
        var kex: [String] = []
        var ciphers: [String] = []
        var macs: [String] = []
        var hostKeys: [String] = []
    }

    private static func arguments(
        _ peer: Peer, _ port: Int, _ keys: InteropKeys, _ offer: Offer, _ rekey: Int?, _ certificates: Bool
    ) -> [String] {
        var arguments = ["server", "--port", "\(port)"]
        // libssh takes one ECDSA key: the one that is asked for.
        let ecdsa = InteropKeys.kinds.filter { $0.hasPrefix("ecdsa") }
        let wanted = ecdsa.filter { kind in offer.hostKeys.contains { InteropKeys.kind($0) == kind } }
        let hostKeys =
            peer == .libssh ? ["ed25519", wanted.count == 1 ? wanted[0] : "ecdsa256", "rsa"] : InteropKeys.kinds
        for kind in hostKeys { arguments += ["--host-key", keys.file("host_\(kind)")] }
        let lists = [("--kex", offer.kex), ("--cipher", offer.ciphers), ("--mac", offer.macs)]
        for (option, values) in lists where !values.isEmpty { arguments += [option, values.joined(separator: ",")] }
        if let rekey { arguments += ["--rekey", "\(rekey)"] }
        if certificates {
            return arguments + [
                "--host-certificate", keys.file("signed_host_ed25519-cert.pub"), "--authority",
                keys.file("user_ca.pub"),
            ]
        }
        return arguments + [
            "--authorized-keys", keys.file("authorized_keys"), "--password", password, "--answers",
            answers.joined(separator: ","),
        ]
    }

    private static func sshd(
        _ folder: TemporaryFolder, _ port: Int, _ keys: InteropKeys, _ offer: Offer, _ rekey: Int?,
        _ certificates: Bool
    ) throws -> ChildProcess {
        if getuid() == 0 {
            // sshd refuses to start as root without its empty folder, which the system's service makes.
            try? FileManager.default.createDirectory(atPath: "/run/sshd", withIntermediateDirectories: true)
        }
        var lines = [
            "ListenAddress 127.0.0.1:\(port)", "PidFile none", "UsePAM no", "StrictModes no", "PermitRootLogin yes",
            "PasswordAuthentication no", "KbdInteractiveAuthentication no", "MaxStartups 200:30:300",
            "MaxSessions 300", "Subsystem sftp /usr/lib/openssh/sftp-server", "SetEnv HOME=\(folder.path)",
        ]
        lines += InteropKeys.kinds.map { "HostKey \(keys.file("host_\($0)"))" }
        lines +=
            certificates
            ? ["TrustedUserCAKeys \(keys.file("user_ca.pub"))", "AuthorizedKeysFile none"]
                + InteropKeys.kinds.map { "HostCertificate \(keys.file("signed_host_\($0)-cert.pub"))" }
            : ["AuthorizedKeysFile \(keys.file("authorized_keys"))"]
        let lists = [("KexAlgorithms", offer.kex), ("Ciphers", offer.ciphers), ("MACs", offer.macs)]
        for (option, values) in lists where !values.isEmpty {
            lines.append("\(option) \(values.joined(separator: ","))")
        }
        if offer.hostKeys.contains("ssh-rsa") { lines.append("HostKeyAlgorithms +ssh-rsa") }
        if let rekey { lines.append("RekeyLimit \(rekey)") }
        try folder.write(lines.joined(separator: "\n") + "\n", to: "sshd_config")
        return try ChildProcess("/usr/sbin/sshd", ["-D", "-e", "-f", folder.file("sshd_config")])
    }

    private static func dropbear(
        _ folder: TemporaryFolder, _ port: Int, _ keys: InteropKeys, _ account: AccountNamespace
    ) async throws -> ChildProcess {
        var arguments = ["-F", "-E", "-p", "127.0.0.1:\(port)", "-P", folder.file("pid")]
        for kind in ["ed25519", "ecdsa256", "rsa"] {
            // dropbearconvert openssh dropbear FROM TO
            try await ChildProcess.tool(
                "/usr/bin/dropbearconvert", ["openssh", "dropbear", keys.file("host_\(kind)"), folder.file(kind)])
            arguments += ["-r", folder.file(kind)]
        }
        return try account.start("/usr/sbin/dropbear", arguments)
    }

    /// Connects our client.
    func connect(
        _ change: (inout SSHClientConfiguration) throws -> Void = { _ in }
    ) async throws -> SSHConnection {
        let keys = try await InteropKeys.get()
        let trusted = try InteropKeys.kinds.map { try keys.publicKey("host_\($0)") }
        var configuration = SSHClientConfiguration(
            username: user, credentials: [.privateKey(try keys.privateKey("user_ed25519"))]
        ) { question in
            trusted.contains(question.publicKey) ? .accept : .refuse(reason: "It is another key.")
        }
        try change(&configuration)
        let connection = try await SSHClient.connect(
            to: endpoint, configuration: configuration, on: MultiThreadedEventLoopGroup.singleton.any())
        // The server stays for as long as the connection, whoever still names it.
        connection.closed.whenComplete { _ in withExtendedLifetime(self) {} }
        return connection
    }
}
