public import SSHKeys

/// A key as sshd names it to its AuthorizedKeysCommand by `%t` and `%k`: taken apart and put together again, so that
/// nothing of what was given is ever printed.
public struct OfferedKey: Sendable, Hashable {
    public let key: SSHPublicKey

    public init(_ key: SSHPublicKey) { self.key = key }

    /// - Parameters:
    ///   - type: "ssh-ed25519".
    ///   - base64: The key's blob.
    /// - Throws: `refused` for a certificate, whose authority sshd itself must know; `usage` for what is no key.
    public init(type: String, base64: String) throws(DispatchError) {
        guard !type.contains("-cert-v01@") else {
            throw DispatchError(
                .refused, "A certificate was offered, and keys alone are looked up here.",
                hint: "Name its authority in sshd_config: TrustedUserCAKeys.")
        }
        guard type.utf8.allSatisfy(Self.isPrintable), base64.utf8.allSatisfy(Self.isPrintable) else {
            throw Self.notAKey("it holds characters that no key has")
        }
        do {
            key = try SSHPublicKey(authorizedKeysLine: type + " " + base64)
        } catch {
            throw Self.notAKey(error.description)
        }
    }

    /// "ssh-ed25519 AAAA…", encoded anew.
    public var line: String { key.authorizedKeysLine() }

    private static func isPrintable(_ byte: UInt8) -> Bool { (0x21...0x7e).contains(byte) }

    private static func notAKey(_ why: String) -> DispatchError {
        DispatchError(
            .usage, "What was given is not a public key: \(why)",
            hint: "sshd_config: AuthorizedKeysCommand /usr/bin/copilot-dispatch %u %h %t %k")
    }
}
