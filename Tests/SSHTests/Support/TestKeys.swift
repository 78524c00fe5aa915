import Foundation
import SSHKeys

/// Keys made by ssh-keygen, for hosts and users. The larger ones take a while, so a test run makes them once.
enum TestKeys {
    static let kinds = ["ed25519", "ecdsa256", "ecdsa384", "ecdsa521", "rsa"]

    static let shared: Result<TemporaryFolder, any Error> = Result {
        let folder = try TemporaryFolder()
        for kind in kinds {
            // ssh-keygen -q -t TYPE -b BITS -N '' -f FILE
            for role in ["host", "user"] { try make(kind, folder.file("\(role)_\(kind)"), passphrase: "") }
            try make(kind, folder.file("locked_\(kind)"), passphrase: "correct horse")
        }
        let lines = try (kinds.map { "user_\($0).pub" } + kinds.map { "locked_\($0).pub" }).map {
            String(decoding: try folder.read($0), as: UTF8.self)
        }
        try folder.write(lines.joined(), to: "authorized_keys")
        return folder
    }

    static func folder() throws -> TemporaryFolder { try shared.get() }

    static func user(_ kind: String = "ed25519") throws -> SSHPrivateKey {
        try SSHPrivateKey(file: try folder().read("user_\(kind)"), passphrase: nil)
    }

    static func host(_ kind: String = "ed25519") throws -> SSHPublicKey {
        try SSHPublicKey(authorizedKeysLine: String(decoding: try folder().read("host_\(kind).pub"), as: UTF8.self))
    }

    private static func make(_ kind: String, _ path: String, passphrase: String) throws {
        let options =
            switch kind {
            case "ecdsa256": ["-t", "ecdsa", "-b", "256"]
            case "ecdsa384": ["-t", "ecdsa", "-b", "384"]
            case "ecdsa521": ["-t", "ecdsa", "-b", "521"]
            case "rsa": ["-t", "rsa", "-b", "2048"]
            default: ["-t", kind]
            }
        try ChildProcess.run(
            "/usr/bin/ssh-keygen", ["-q"] + options + ["-N", passphrase, "-C", "test", "-f", path])
    }
}
