import Foundation

/// Servers that see an account which exists nowhere else: a mount namespace of their own has another /etc and a home.
/// Nothing of the machine is changed. Needs root and unshare(1).
final class AccountNamespace: Sendable {
    static let user = InteropKeys.user
    /// Why these tests cannot run here, or nil.
    static let obstacle: String? = {
        guard getuid() == 0 else { return "a mount namespace with an account of its own needs root" }
        guard let program = try? Program("/usr/bin/unshare", ["-m", "/bin/sh", "-c", "mount --bind /tmp /mnt"]) else {
            return "needs unshare"
        }
        while program.isRunning { usleep(1000) }
        return program.status == 0 ? nil : "this machine allows no mount namespace"
    }()

    private let folder: TemporaryFolder

    init(authorizedKeys: String) async throws {
        folder = try TemporaryFolder()
        // openssl passwd -6 PASSWORD
        let hash = try await Program.tool("/usr/bin/openssl", ["passwd", "-6", PeerServer.password])
            .trimmingCharacters(in: .whitespacesAndNewlines)
        try await Program.tool("/bin/cp", ["-a", "/etc", folder.file("etc")])
        let passwd = String(decoding: try folder.read("etc/passwd"), as: UTF8.self)
        let shadow = String(decoding: try folder.read("etc/shadow"), as: UTF8.self)
        try folder.write(passwd + "\(Self.user):x:54321:54321::/mnt:/bin/sh\n", to: "etc/passwd", mode: 0o644)
        try folder.write(shadow + "\(Self.user):\(hash):19000:0:99999:7:::\n", to: "etc/shadow")
        try folder.write(authorizedKeys, to: "home/.ssh/authorized_keys")
        try await Program.tool("/bin/chown", ["-R", "54321:54321", folder.file("home")])
        try await Program.tool("/bin/chmod", ["-R", "go-rwx", folder.file("home")])
    }

    /// Starts a program inside of the namespace.
    func start(_ program: String, _ arguments: [String]) throws -> Program {
        let script = """
            mount --bind "$0/etc" /etc && mount --bind "$0/home" /mnt && exec "$@"
            """
        return try Program("/usr/bin/unshare", ["-m", "/bin/sh", "-c", script, folder.path, program] + arguments)
    }
}
