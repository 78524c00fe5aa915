import Crypto
import Foundation
import Storage

/// The key on top: 32 bytes that wrap each tenant's key. It comes from the environment or from a file of its own that
/// lives apart from the database and its backups.
public struct RootKey: Sendable {
    /// The environment variable that holds it, in base64.
    public static let variable = "COPILOT_ROOT_KEY"

    let key: SymmetricKey
    /// A check value derived from the key, not a part of it: it tells keys apart and may be shown.
    public let identifier: String

    /// A fresh key in memory.
    public init() {
        self.init(SymmetricKey(size: .bits256))
    }

    init(_ key: SymmetricKey) {
        self.key = key
        let check = HKDF<SHA256>.deriveKey(
            inputKeyMaterial: key, info: Data("copilot/v1/root-key-identifier".utf8), outputByteCount: 8)
        identifier =
            "root-"
            + check.withUnsafeBytes { $0.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined() }
    }

    /// Reads the key: the environment's `COPILOT_ROOT_KEY` first, then the file.
    ///
    /// - Throws: `root_key_missing`, `root_key_malformed`, `root_key_not_private` (the group or everybody may read the
    ///   file), `file_unavailable`.
    public static func load(environment: [String: String], file: String?) throws(VaultError) -> RootKey {
        if let text = environment[variable], !text.isEmpty { return try parse(text, from: "variable \(variable)") }
        guard let file else {
            throw VaultError(
                .rootKeyMissing, "There is no root key: \(variable) is not set and no file is named.",
                hint: "Set \(variable) to 32 bytes in base64, or name a file.")
        }
        do {
            let opened = try PrivateFile(opening: file, .read)
            let status = try opened.status()
            guard status.isRegular, !status.isOpenToOthers else {
                throw VaultError(
                    .rootKeyNotPrivate, "Others on this machine may read the root key \(file).",
                    hint: "Take the permission away: chmod 600 '\(file)'. Then rotate the key, since it may be known.")
            }
            var bytes = try opened.read(limit: 1024)
            defer { bytes.withUnsafeMutableBytes { SecretBytes.wipe($0) } }
            return try parse(String(decoding: bytes, as: UTF8.self), from: "file \(file)")
        } catch let error as VaultError {
            throw error
        } catch let fault as FileFault where fault.number == ENOENT {
            throw VaultError(
                .rootKeyMissing, "There is no root key: \(variable) is not set and the file \(file) is not there.",
                hint: "Restore the file from where it is kept; without it the stored credentials cannot be read.")
        } catch let fault as FileFault {
            throw VaultError(fault)
        } catch {
            throw VaultError(.fileUnavailable, "The root key \(file) cannot be read: \(error).", hint: "Try again.")
        }
    }

    private static func parse(_ text: String, from source: String) throws(VaultError) -> RootKey {
        guard var raw = Data(base64Encoded: text.trimmingCharacters(in: .whitespacesAndNewlines)), raw.count == 32
        else {
            throw VaultError(
                .rootKeyMalformed, "The \(source) does not hold a root key.",
                hint: "It must hold 32 random bytes in base64: openssl rand -base64 32.")
        }
        defer { raw.resetBytes(in: raw.startIndex..<raw.endIndex) }
        return RootKey(SymmetricKey(data: raw))
    }

    /// Makes a file with a fresh key, mode 0600, and fails when anything is there.
    @discardableResult
    public static func create(at path: String) throws(VaultError) -> RootKey {
        let made = RootKey()
        var bytes = made.key.withUnsafeBytes { Array(Data($0).base64EncodedString().utf8) } + [UInt8(ascii: "\n")]
        defer { bytes.withUnsafeMutableBytes { SecretBytes.wipe($0) } }
        do throws(FileFault) {
            try PrivateFile.create(path, bytes)
        } catch {
            guard error.number != EEXIST else {
                throw VaultError(
                    .rootKeyExists, "There is a file at \(path) already; a root key is never overwritten.",
                    hint: "Name another file.")
            }
            throw VaultError(error)
        }
        return made
    }
}

extension RootKey: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "RootKey(\(identifier))" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: ["identifier": identifier]) }
}
