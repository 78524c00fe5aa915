import Foundation
public import SSHKeys
public import TestSupport

/// Keys made by ssh-keygen, for hosts and users. The larger ones take a while, so a test run makes them once.
public enum TestKeys {
    public static let kinds = ["ed25519", "ecdsa256", "ecdsa384", "ecdsa521", "rsa"]

    private static let shared = Task<TemporaryFolder, any Error> {
        let folder = try TemporaryFolder()
        for kind in kinds {
            // ssh-keygen -q -t TYPE -b BITS -N '' -f FILE
            for role in ["host", "user"] { try await make(kind, folder.file("\(role)_\(kind)"), passphrase: "") }
            try await make(kind, folder.file("locked_\(kind)"), passphrase: "correct horse")
        }
        let lines = try (kinds.map { "user_\($0).pub" } + kinds.map { "locked_\($0).pub" }).map {
            String(decoding: try folder.read($0), as: UTF8.self)
        }
        try folder.write(lines.joined(), to: "authorized_keys")
        return folder
    }

    public static func folder() async throws -> TemporaryFolder { try await shared.value }

    public static func user(_ kind: String = "ed25519") async throws -> SSHPrivateKey {
        try SSHPrivateKey(file: try await folder().read("user_\(kind)"), passphrase: nil)
    }

    public static func host(_ kind: String = "ed25519") async throws -> SSHPublicKey {
        try SSHPublicKey(
            authorizedKeysLine: String(decoding: try await folder().read("host_\(kind).pub"), as: UTF8.self))
    }

    private static func make(_ kind: String, _ path: String, passphrase: String) async throws {
        let options =
            switch kind {
            case "ecdsa256": ["-t", "ecdsa", "-b", "256"]
            case "ecdsa384": ["-t", "ecdsa", "-b", "384"]
            case "ecdsa521": ["-t", "ecdsa", "-b", "521"]
            case "rsa": ["-t", "rsa", "-b", "2048"]
            default: ["-t", kind]
            }
        try await ChildProcess.tool(
            "/usr/bin/ssh-keygen", ["-q"] + options + ["-N", passphrase, "-C", "test", "-f", path])
    }
}
