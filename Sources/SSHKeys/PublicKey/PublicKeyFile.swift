/// A public key or a certificate with its comment, as files hold it.
///
/// Formats: OpenSSH's one line (`id_ed25519.pub`, `id_ed25519-cert.pub`), "---- BEGIN SSH2 PUBLIC KEY ----" (RFC 4716),
/// "-----BEGIN PUBLIC KEY-----" (PKCS#8, RFC 5280 §4.1) and "-----BEGIN RSA PUBLIC KEY-----" (PKCS#1).
public struct PublicKeyFile: Sendable, Hashable {
    /// The largest file that is read, in bytes.
    public static let maximumLength = 128 * 1024

    public let identity: PublicIdentity
    /// Empty where there is none.
    public let comment: String

    /// Reads a file. Throws `malformed`, or `unsupported` for other kinds of keys and files.
    public init(file: [UInt8]) throws(SSHKeyError) {
        guard file.count <= Self.maximumLength else {
            throw .malformed("a public key file of \(file.count) bytes is longer than any")
        }
        guard let line = TextLine.lines(of: file).first?.content else { throw .malformed("the file is empty") }
        if line.starts(with: "---- BEGIN SSH2 PUBLIC KEY".utf8) {
            let text = try RFC4716Text(file)
            identity = try PublicIdentity(wire: text.content)
            comment = text.comment
        } else if line.starts(with: "-----BEGIN ".utf8) {
            let block = try PEMBlock(file: file)
            switch block.label {
            case "PUBLIC KEY": identity = .key(try ASN1PublicKey.subjectPublicKeyInfo(block.content))
            case "RSA PUBLIC KEY": identity = .key(try ASN1PublicKey.pkcs1(block.content))
            default:
                throw .unsupported(
                    "A PEM file with “\(Printable.text(block.label))” as a public key",
                    hint: "Choose the file that ends in .pub, or make it with: ssh-keygen -y -f KEY")
            }
            comment = ""
        } else {
            (identity, comment) = try Self.openSSH(line)
        }
    }

    private static func openSSH(_ line: ArraySlice<UInt8>) throws(SSHKeyError) -> (PublicIdentity, String) {
        var rest = line
        let type = String(decoding: TextLine.field(&rest), as: UTF8.self)
        guard SSHCertificate.isCertificateAlgorithm(type) else {
            let text = try KeyText(line)
            return (.key(text.key), text.comment)
        }
        guard let blob = Base64.decode(String(decoding: TextLine.field(&rest), as: UTF8.self)) else {
            throw .malformed("the base64 of a certificate is incomplete")
        }
        let certificate = try SSHCertificate(wire: blob)
        guard certificate.algorithm == type else {
            throw .malformed("a line says \(Printable.text(type)) and holds a certificate of \(certificate.algorithm)")
        }
        return (.certificate(certificate), String(decoding: TextLine.trimmed(rest), as: UTF8.self))
    }
}

extension SSHCertificate {
    /// The line of an `id_…-cert.pub` file, without a line feed.
    public func line(comment: String = "") -> String { PublicKeyLine.text(algorithm, blob, comment) }
}

/// "type base64 comment".
enum PublicKeyLine {
    /// Control characters in the comment become question marks, so that it stays one line.
    static func text(_ type: String, _ blob: [UInt8], _ comment: String) -> String {
        let line = type + " " + Base64.encode(blob)
        let clean = String(
            String.UnicodeScalarView(
                comment.unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : $0 }))
        return clean.isEmpty ? line : line + " " + clean
    }
}
