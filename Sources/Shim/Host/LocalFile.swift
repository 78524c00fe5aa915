import Foundation
import SSH
public import SSHTools

/// Small files that a command line names.
public enum LocalFile {
    /// A leading `~` is the home folder; nil when the file cannot be read.
    static func content(_ path: String) -> [UInt8]? {
        FileManager.default.contents(atPath: (path as NSString).expandingTildeInPath).map { [UInt8]($0) }
    }

    /// A password file's first line.
    public static func password(_ path: String) throws(Failure) -> String {
        guard let content = content(path) else {
            throw Failure("The password file \(path) cannot be read.", hint: "Check its path and permissions.")
        }
        let line = content.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
        guard !line.isEmpty, line.count <= 1024 else {
            throw Failure("The password file \(path) has no password.", hint: "Its first line is the password.")
        }
        return String(decoding: line, as: UTF8.self)
    }

    /// That a private key file is of the kind that its option names, as far as that shows without its passphrase.
    public static func checkKey(_ path: String, type: String) throws(Failure) -> String {
        guard let content = content(path) else {
            throw Failure("The key file \(path) cannot be read.", hint: "Check its path and permissions.")
        }
        if let key = try? SSHPrivateKey(file: content), key.publicKey.algorithm != type {
            throw Failure(
                "\(path) is a key of type \(key.publicKey.algorithm).",
                hint: "Use --rsa-key, --ed25519-key or, for any kind, --identity.")
        }
        return path
    }
}
