import Foundation
import SSHCrypto
public import SSHKeys

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// How a private key is written.
public enum PrivateKeyFormat: String, Sendable, CaseIterable {
    /// "BEGIN OPENSSH PRIVATE KEY"
    case openSSH = "OpenSSH"
    /// "BEGIN PRIVATE KEY", "BEGIN ENCRYPTED PRIVATE KEY"
    case pkcs8 = "PKCS8"
    /// "BEGIN RSA PRIVATE KEY", "BEGIN EC PRIVATE KEY"; never with a passphrase
    case pem = "PEM"

    /// By the name that `ssh-keygen -m` has for it, in any case. RFC4716 stands for OpenSSH's own, as there.
    public init?(name: String) {
        let name = name.lowercased()
        if name == "rfc4716" {
            self = .openSSH
        } else if let format = Self.allCases.first(where: { $0.rawValue.lowercased() == name }) {
            self = format
        } else {
            return nil
        }
    }

    /// The bytes of a file with the key.
    ///
    /// - Parameters:
    ///   - passphrase: empty for none.
    ///   - rounds: of OpenSSH's passphrase function, 1 to 2048.
    public func file(_ key: SSHPrivateKey, passphrase: [UInt8], rounds: Int = 16) throws(Failure) -> [UInt8] {
        do throws(SSHKeyError) {
            switch self {
            case .openSSH: return Array(try key.openSSHFile(passphrase: passphrase, rounds: rounds).utf8)
            case .pkcs8: return Array(try key.pkcs8File(passphrase: passphrase).utf8)
            case .pem:
                guard passphrase.isEmpty else {
                    throw SSHKeyError.unsupported(
                        "A passphrase on an old PEM file, where it would protect little,",
                        hint: "Choose -m PKCS8 or -m OpenSSH, or --no-passphrase.")
                }
                return Array(try key.legacyPEMFile().utf8)
            }
        } catch { throw Failure(error.description, hint: error.hint) }
    }
}

/// A private key file and the public one beside it.
public struct KeyPair: Sendable {
    public let key: SSHPrivateKey
    /// Of the private key; the public one's ends in `.pub`.
    public let path: String

    public var publicPath: String { path + ".pub" }

    public init(_ key: SSHPrivateKey, at path: String) {
        self.key = key
        self.path = path
    }

    /// The kind that a name of `ssh-keygen -t` and a number of bits mean.
    public static func kind(named name: String, bits: Int?) throws(Failure) -> SSHKeyKind {
        switch name.lowercased() {
        case "ed25519", "ssh-ed25519":
            return .ed25519
        case "rsa", "ssh-rsa", "rsa-sha2-256", "rsa-sha2-512":
            return .rsa(bits: bits ?? 3072)
        case "ecdsa":
            guard let curve = ECDSACurve.allCases.first(where: { $0.bits == bits ?? 256 }) else {
                throw Failure("ECDSA keys have 256, 384 or 521 bits.", hint: "Choose -b 256, -b 384 or -b 521.")
            }
            return .ecdsa(curve)
        case "ecdsa-sha2-nistp256": return .ecdsa(.p256)
        case "ecdsa-sha2-nistp384": return .ecdsa(.p384)
        case "ecdsa-sha2-nistp521": return .ecdsa(.p521)
        case "ed25519-sk", "ecdsa-sk":
            throw Failure(
                "Keys on hardware tokens are made by the tool that talks to the token.",
                hint: "Make it with: ssh-keygen -t \(name)")
        default:
            throw Failure("There is no key type “\(name)”.", hint: "Choose ed25519, ecdsa or rsa.")
        }
    }

    /// Where `ssh` looks for a key of that kind.
    public static func defaultPath(_ kind: SSHKeyKind, home: String) -> String {
        let name =
            switch kind {
            case .ed25519: "id_ed25519"
            case .ecdsa: "id_ecdsa"
            case .rsa: "id_rsa"
            }
        return home + "/.ssh/" + name
    }

    /// "user@machine".
    public static var defaultComment: String {
        var name = [CChar](repeating: 0, count: 256)
        gethostname(&name, name.count - 1)
        let host = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return NSUserName() + "@" + host
    }

    /// Writes both files: the private one for its owner alone, the public one for all to read.
    ///
    /// - Parameters:
    ///   - passphrase: empty for none.
    ///   - rounds: of the passphrase function, 1 to 2048.
    ///   - mayReplace: whether files of these names may go.
    public func write(
        format: PrivateKeyFormat = .openSSH, passphrase: [UInt8], rounds: Int = 16, mayReplace: Bool
    ) throws(Failure) {
        if !mayReplace {
            for taken in [path, publicPath] where KeyFiles.exists(taken) {
                throw Failure("\(taken) is there already.", hint: "Choose another name with -f.")
            }
        }
        var file = try format.file(key, passphrase: passphrase, rounds: rounds)
        defer { wipe(&file) }
        try KeyFiles.write(file, to: path, mode: 0o600, mayReplace: mayReplace)
        try writePublic(mayReplace: mayReplace)
    }

    /// Writes the public file alone.
    public func writePublic(mayReplace: Bool) throws(Failure) {
        let line = key.publicKey.authorizedKeysLine(comment: key.comment) + "\n"
        try KeyFiles.write(Array(line.utf8), to: publicPath, mode: 0o644, mayReplace: mayReplace)
    }

    /// Writes the private file anew with another passphrase, format or comment; the public one too where it is there
    /// and the comment changed.
    public func rewrite(
        comment: String? = nil, format: PrivateKeyFormat = .openSSH, passphrase: [UInt8], rounds: Int = 16
    ) throws(Failure) {
        var key = key
        if let comment { key.comment = comment }
        var file = try format.file(key, passphrase: passphrase, rounds: rounds)
        defer { wipe(&file) }
        try KeyFiles.write(file, to: path, mode: 0o600, mayReplace: true)
        if comment != nil { try KeyPair(key, at: path).writePublic(mayReplace: true) }
    }
}

/// What a key looks like in a list.
public struct KeyDescription: Encodable, Sendable {
    public let bits: Int
    public let type: String
    public let fingerprint: String
    public let comment: String
    public let publicKey: String

    /// - Parameter usesMD5: show the fingerprint that was usual before 2014.
    public init(_ identity: PublicIdentity, comment: String, usesMD5: Bool = false) {
        let key = identity.publicKey
        bits = key.bits
        type = key.typeName + (identity.certificate == nil ? "" : "-CERT")
        fingerprint = usesMD5 ? key.md5Fingerprint : key.fingerprint
        self.comment = comment
        publicKey =
            switch identity {
            case .key(let key): key.authorizedKeysLine(comment: comment)
            case .certificate(let certificate): certificate.line(comment: comment)
            }
    }

    /// As `ssh-keygen -l` prints it.
    public var line: String { "\(bits) \(fingerprint) \(comment.isEmpty ? "no comment" : comment) (\(type))" }
}
