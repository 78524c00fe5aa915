import Foundation

/// Servers that see an account which exists nowhere else: a mount namespace of their own has another /etc and a home.
/// Nothing of the machine is changed. Needs root and unshare(1).
///
/// All of /etc is put aside, not the two files alone: whoever adds an account to the machine meanwhile replaces the files,
/// and the kernel takes a mount off a file that is replaced.
final class AccountNamespace: Sendable {
    static let user = "tester"
    static let password = "correct horse 42"
    /// Why these tests cannot run here, or nil.
    static let obstacle: String? = {
        guard getuid() == 0 else { return "a mount namespace with an account of its own needs root" }
        do {
            try ChildProcess.run("/usr/bin/unshare", ["-m", "/bin/sh", "-c", "mount --bind /tmp /mnt"])
            return nil
        } catch {
            return "this machine allows no mount namespace"
        }
    }()

    static var isPossible: Bool { obstacle == nil }

    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        // openssl passwd -6 PASSWORD
        let hash = try ChildProcess.run("/usr/bin/openssl", ["passwd", "-6", Self.password])
            .trimmingCharacters(in: .whitespacesAndNewlines)
        try ChildProcess.run("/bin/cp", ["-a", "/etc", folder.file("etc")])
        let passwd = String(decoding: try folder.read("etc/passwd"), as: UTF8.self)
        let shadow = String(decoding: try folder.read("etc/shadow"), as: UTF8.self)
        try folder.write(passwd + "\(Self.user):x:54321:54321::/mnt:/bin/sh\n", to: "etc/passwd", mode: 0o644)
        try folder.write(shadow + "\(Self.user):\(hash):19000:0:99999:7:::\n", to: "etc/shadow")
        let keys = try TestKeys.folder().read("authorized_keys")
        let ssh = folder.file("home/.ssh")
        try FileManager.default.createDirectory(atPath: ssh, withIntermediateDirectories: true)
        try Data(keys).write(to: URL(fileURLWithPath: ssh + "/authorized_keys"))
        try ChildProcess.run("/bin/chown", ["-R", "54321:54321", folder.file("home")])
        try ChildProcess.run("/bin/chmod", ["-R", "go-rwx", folder.file("home")])
    }

    /// Starts a program inside of the namespace.
    func start(_ program: String, _ arguments: [String], log: String) throws -> ChildProcess {
        let script = """
            mount --bind "$0/etc" /etc && mount --bind "$0/home" /mnt && exec "$@"
            """
        return try ChildProcess(
            "/usr/bin/unshare", ["-m", "/bin/sh", "-c", script, folder.path, program] + arguments, log: log)
    }
}
