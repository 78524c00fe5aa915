import Foundation
import SSHCrypto
import SSHKeys

/// Where a passphrase comes from.
public enum PassphraseSource: Sendable {
    /// There is none.
    case none
    case given([UInt8])
    /// The first line of a file; "-" is standard input.
    case file(String)
    /// The person at the terminal, or whoever SSH_ASKPASS shows a window to.
    case asked

    /// How often a wrong one may be typed.
    private static let tries = 3

    /// Opens something with the passphrase; one that was typed wrong may be typed again.
    func open<Value>(
        _ what: String, _ body: ([UInt8]) throws(SSHKeyError) -> Value
    ) throws(Failure) -> Value {
        var left = Self.tries
        while true {
            var secret = try old(for: what)
            defer { wipe(&secret) }
            do throws(SSHKeyError) { return try body(secret) } catch {
                left -= 1
                guard case .asked = self, error.code == .wrongPassphrase, left > 0, !secret.isEmpty else {
                    throw Failure(error, about: what)
                }
            }
        }
    }

    private func old(for what: String) throws(Failure) -> [UInt8] { try secret("Enter passphrase for \(what): ") }

    /// A passphrase that is set already, asked for once.
    func secret(_ question: String) throws(Failure) -> [UInt8] {
        switch self {
        case .none: []
        case .given(let secret): secret
        case .file(let path): try Self.firstLine(of: path)
        case .asked: try PassphraseQuestion.ask(question)
        }
    }

    /// A passphrase for a key that is made or protected anew, asked for twice; empty for none.
    public func newSecret() throws(Failure) -> [UInt8] {
        switch self {
        case .none: return []
        case .given(let secret): return secret
        case .file(let path): return try Self.firstLine(of: path)
        case .asked:
            let first = try PassphraseQuestion.ask("Enter passphrase (empty for no passphrase): ")
            guard try PassphraseQuestion.ask("Enter same passphrase again: ") == first else {
                throw Failure("The two passphrases are not the same.", hint: "Start again; nothing was written.")
            }
            return first
        }
    }

    private static func firstLine(of path: String) throws(Failure) -> [UInt8] {
        var file = try KeyFiles.read(path, limit: 64 << 10)
        defer { wipe(&file) }
        return Array(file.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") })
    }
}
