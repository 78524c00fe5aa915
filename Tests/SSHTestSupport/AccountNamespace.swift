import Foundation
public import TestSupport

/// Servers that see an account which exists nowhere else: a mount namespace of their own has another /etc and a home.
/// Nothing of the machine is changed. Needs root and unshare(1).
///
/// All of /etc is put aside, not the two files alone: whoever adds an account to the machine meanwhile replaces the files,
/// and the kernel takes a mount off a file that is replaced.
public final class AccountNamespace: Sendable {
    public static let user = "tester"
    public static let password = "correct horse 42"
    /// Why these tests cannot run here, or nil: mounting is allowed to root, unless it was taken from it.
    public static let obstacle: String? = {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("CapEff:") }
        let capabilities = line.flatMap { UInt64($0.split(separator: "\t").last ?? "", radix: 16) } ?? 0
        // CAP_SYS_ADMIN of capabilities(7).
        return capabilities >> 21 & 1 == 1 ? nil : "a mount namespace with an account of its own needs root"
    }()

    public static var isPossible: Bool { obstacle == nil }

    private let folder: TemporaryFolder

    /// - Parameter authorizedKeys: The file of the account's user.
    public init(authorizedKeys: String) async throws {
        folder = try TemporaryFolder()
        // openssl passwd -6 PASSWORD
        let hash = try await ChildProcess.tool("/usr/bin/openssl", ["passwd", "-6", Self.password])
            .trimmingCharacters(in: .whitespacesAndNewlines)
        try await ChildProcess.tool("/bin/cp", ["-a", "/etc", folder.file("etc")])
        let passwd = String(decoding: try folder.read("etc/passwd"), as: UTF8.self)
        let shadow = String(decoding: try folder.read("etc/shadow"), as: UTF8.self)
        try folder.write(passwd + "\(Self.user):x:54321:54321::/mnt:/bin/sh\n", to: "etc/passwd", mode: 0o644)
        try folder.write(shadow + "\(Self.user):\(hash):19000:0:99999:7:::\n", to: "etc/shadow")
        try folder.write(authorizedKeys, to: "home/.ssh/authorized_keys")
        try await ChildProcess.tool("/bin/chown", ["-R", "54321:54321", folder.file("home")])
        try await ChildProcess.tool("/bin/chmod", ["-R", "go-rwx", folder.file("home")])
    }

    /// Starts a program inside of the namespace.
    public func start(_ program: String, _ arguments: [String], log: String? = nil) throws -> ChildProcess {
        let script = """
            mount --bind "$0/etc" /etc && mount --bind "$0/home" /mnt && exec "$@"
            """
        return try ChildProcess(
            "/usr/bin/unshare", ["-m", "/bin/sh", "-c", script, folder.path, program] + arguments, log: log)
    }
}

extension AccountNamespace {
    /// With an account whose user has the keys of these tests.
    public static func withTestKeys() async throws -> AccountNamespace {
        let keys = try await TestKeys.folder().read("authorized_keys")
        return try await AccountNamespace(authorizedKeys: String(decoding: keys, as: UTF8.self))
    }
}
