import Crypto
import Foundation
import Storage

/// The Ed25519 key that signs checkpoints. It lives beside the root key, apart from the database.
public struct AuditSigningKey: Sendable {
    private let key: Curve25519.Signing.PrivateKey
    /// The name that stands in signatures (C2SP signed-note), such as `copilot.example/audit`.
    public let name: String

    /// A fresh key in memory.
    public init(name: String) {
        self.init(name: name, key: Curve25519.Signing.PrivateKey())
    }

    private init(name: String, key: Curve25519.Signing.PrivateKey) {
        // Spaces and plus signs would break the note's lines.
        self.name = String(name.map { $0.isWhitespace || $0 == "+" ? "-" : $0 })
        self.key = key
    }

    /// What verifies this key's signatures.
    public var verifier: AuditVerifierKey {
        AuditVerifierKey(name: name, publicKey: key.publicKey)
    }

    /// Reads the key, or makes it (mode 0600) when the file is not there. The matching public key is written beside it
    /// as `<path>.pub`, for auditors.
    public static func loadOrCreate(path: String, name: String) throws(AuditError) -> AuditSigningKey {
        do {
            let file = try PrivateFile(opening: path, .read)
            return try read(file, name: name)
        } catch let fault as FileFault where fault.number == ENOENT {
            return try create(path: path, name: name)
        } catch let fault as FileFault {
            throw AuditError(fault)
        } catch let error as AuditError {
            throw error
        } catch {
            throw AuditError(.fileUnavailable, "The file \(path) cannot be read: \(error).", hint: "Check the disk.")
        }
    }

    private static func create(path: String, name: String) throws(AuditError) -> AuditSigningKey {
        let made = AuditSigningKey(name: name)
        do throws(FileFault) {
            try PrivateFile.create(path, Array((made.key.rawRepresentation.base64EncodedString() + "\n").utf8))
            try PrivateFile.create(path + ".pub", Array((made.verifier.text + "\n").utf8))
        } catch {
            throw AuditError(error)
        }
        return made
    }

    private static func read(_ file: borrowing PrivateFile, name: String) throws -> AuditSigningKey {
        guard try !file.status().isOpenToOthers else {
            throw AuditError(
                .keyNotPrivate, "Others on this machine may read the audit signing key \(file.path).",
                hint: "Take the permission away: chmod 600 '\(file.path)'.")
        }
        let text = String(decoding: try file.read(limit: 1024), as: UTF8.self)
        let trimmed = text.trimmingCharacters(in: .whitespacesAndNewlines)
        guard let raw = Data(base64Encoded: trimmed),
            let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: raw)
        else {
            throw AuditError(
                .keyMalformed, "The file \(file.path) does not hold an audit signing key.",
                hint: "It must hold 32 bytes in base64. Restore it from the backup of the keys.")
        }
        return AuditSigningKey(name: name, key: key)
    }

    func sign(_ text: String) throws -> String {
        let signature = try key.signature(for: Data(text.utf8))
        return "— \(name) " + (Data(verifier.keyID) + signature).base64EncodedString()
    }
}

/// The public half, in the text form of C2SP signed-note: `name+keyid+base64`.
public struct AuditVerifierKey: Sendable {
    private static let ed25519: UInt8 = 1
    public let name: String
    private let publicKey: Curve25519.Signing.PublicKey

    init(name: String, publicKey: Curve25519.Signing.PublicKey) {
        self.name = name
        self.publicKey = publicKey
    }

    /// Reads the text form, as it stands in the `.pub` file.
    public init(text: String) throws(AuditError) {
        let parts = text.trimmingCharacters(in: .whitespacesAndNewlines)
            .split(separator: "+", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, let raw = Data(base64Encoded: String(parts[2])), raw.first == Self.ed25519,
            let key = try? Curve25519.Signing.PublicKey(rawRepresentation: raw.dropFirst())
        else {
            throw AuditError(
                .keyMalformed, "This is not the public key of an audit log.",
                hint: "It looks like name+1a2b3c4d+AbC…: take the line from the key's .pub file.")
        }
        self.init(name: String(parts[0]), publicKey: key)
    }

    public var text: String {
        let identifier = keyID.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        return "\(name)+\(identifier)+" + (Data([Self.ed25519]) + publicKey.rawRepresentation).base64EncodedString()
    }

    /// `SHA-256(name || 0x0A || 0x01 || public key)[:4]`.
    var keyID: [UInt8] {
        Array(SHA256.hash(data: Data(name.utf8) + [0x0A, Self.ed25519] + publicKey.rawRepresentation).prefix(4))
    }

    func verifies(_ line: Substring, over text: String) -> Bool {
        let start = "— \(name) "
        guard line.hasPrefix(start), let raw = Data(base64Encoded: String(line.dropFirst(start.count))),
            raw.count == 68, Array(raw.prefix(4)) == keyID
        else { return false }
        return publicKey.isValidSignature(raw.dropFirst(4), for: Data(text.utf8))
    }
}
