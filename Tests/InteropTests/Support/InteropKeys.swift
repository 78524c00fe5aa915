import Foundation
import SSH
import TestSupport

/// Keys and certificates made by ssh-keygen, once for a test run.
final class InteropKeys: Sendable {
    static let kinds = ["ed25519", "ecdsa256", "ecdsa384", "ecdsa521", "rsa"]
    /// The name that user certificates are made out to, beside the account that runs the tests.
    static let user = "tester"

    private static let made = Task { try await InteropKeys() }
    static func get() async throws -> InteropKeys { try await made.value }

    let folder: TemporaryFolder

    private init() async throws {
        folder = try TemporaryFolder()
        for kind in Self.kinds {
            for role in ["host", "user"] { try await Self.make(kind, folder.file("\(role)_\(kind)")) }
        }
        for authority in ["user_ca", "host_ca", "strange_ca"] { try await Self.make("ed25519", folder.file(authority)) }
        for kind in Self.kinds {
            // ssh-keygen -s CA -I ID -n NAMES -V -5m:+1h KEY.pub. Not beside the key, where clients would find it unasked.
            try await certify("user_ca", ["-n", "\(Self.user),\(NSUserName())"], "user_\(kind)", "signed_user_\(kind)")
            try await certify("host_ca", ["-h", "-n", "127.0.0.1,localhost"], "host_\(kind)", "signed_host_\(kind)")
        }
        let lines = try Self.kinds.map { String(decoding: try folder.read("user_\($0).pub"), as: UTF8.self) }
        try folder.write(lines.joined(), to: "authorized_keys")
    }

    /// Signs `FROM.pub` and leaves the certificate in `TO-cert.pub`.
    func certify(_ authority: String, _ options: [String], _ from: String, _ to: String) async throws {
        let work = try TemporaryFolder()
        try Data(folder.read("\(from).pub")).write(to: URL(fileURLWithPath: work.file("key.pub")))
        try await ChildProcess.tool(
            "/usr/bin/ssh-keygen",
            ["-q", "-s", folder.file(authority), "-I", to] + (options.contains("-V") ? [] : ["-V", "-5m:+1h"]) + options
                + [work.file("key.pub")])
        let certificate = try work.read("key-cert.pub")
        try Data(certificate).write(to: URL(fileURLWithPath: folder.file("\(to)-cert.pub")))
    }

    func file(_ name: String) -> String { folder.file(name) }

    func text(_ name: String) throws -> String { String(decoding: try folder.read(name), as: UTF8.self) }

    func privateKey(_ name: String) throws -> SSHPrivateKey {
        try SSHPrivateKey(file: try folder.read(name), passphrase: nil)
    }

    func publicKey(_ name: String) throws -> SSHPublicKey {
        try SSHPublicKey(authorizedKeysLine: try text("\(name).pub"))
    }

    func certificate(_ name: String) throws -> SSHCertificate {
        let words = try text("\(name)-cert.pub").split(separator: " ")
        guard words.count > 1, let blob = Data(base64Encoded: String(words[1])) else {
            throw ToolFailure(description: "\(name)-cert.pub is no certificate")
        }
        return try SSHCertificate(wire: Array(blob))
    }

    static func make(_ kind: String, _ path: String) async throws {
        let options =
            switch kind {
            case "ecdsa256": ["-t", "ecdsa", "-b", "256"]
            case "ecdsa384": ["-t", "ecdsa", "-b", "384"]
            case "ecdsa521": ["-t", "ecdsa", "-b", "521"]
            case "rsa": ["-t", "rsa", "-b", "2048"]
            default: ["-t", kind]
            }
        // ssh-keygen -q -t TYPE -b BITS -N '' -f FILE
        try await ChildProcess.tool("/usr/bin/ssh-keygen", ["-q"] + options + ["-N", "", "-C", "test", "-f", path])
    }

    /// The kind of key for a signature algorithm.
    static func kind(_ algorithm: String) -> String {
        switch algorithm {
        case "ecdsa-sha2-nistp256": "ecdsa256"
        case "ecdsa-sha2-nistp384": "ecdsa384"
        case "ecdsa-sha2-nistp521": "ecdsa521"
        case "ssh-ed25519": "ed25519"
        default: "rsa"
        }
    }
}
