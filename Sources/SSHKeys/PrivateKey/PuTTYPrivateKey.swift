import Crypto
import CryptoExtras
import SSHCrypto

/// PuTTY's key files, versions 2 and 3 (its manual, appendix C): headers, the public and the private part in base64,
/// and a MAC over all of it.
struct PuTTYPrivateKey {
    static let firstLine = "PuTTY-User-Key-File-"

    private let version: Int
    private let algorithm: String
    private let cipher: String
    private let comment: String
    private let publicBlob: [UInt8]
    private let derivation: Argon2Options?
    private let privatePart: [UInt8]
    private let mac: [UInt8]

    static func isOne(_ file: [UInt8]) -> Bool {
        file.drop { TextLine.isBlank($0) || $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }
            .starts(with: firstLine.utf8)
    }

    init(file: [UInt8]) throws(SSHKeyError) {
        var fields = try Fields(file)
        let first = try fields.next()
        switch first.name {
        case Self.firstLine + "2": version = 2
        case Self.firstLine + "3": version = 3
        default:
            throw .unsupported(
                "This version of PuTTY's key format", hint: "Write it anew with: puttygen KEY.ppk -O private -o NEW.ppk"
            )
        }
        algorithm = first.value
        cipher = try fields.value(of: "Encryption")
        guard ["none", "aes256-cbc"].contains(cipher) else {
            throw .unsupported(
                "The cipher “\(Printable.text(cipher))” in PuTTY's key files",
                hint: "Write it anew with: puttygen KEY.ppk -O private -o NEW.ppk")
        }
        comment = try fields.value(of: "Comment")
        publicBlob = try fields.block("Public-Lines")
        derivation = version == 3 && cipher != "none" ? try Argon2Options(&fields) : nil
        privatePart = try fields.block("Private-Lines")
        guard let mac = Hexadecimal.decode(try fields.value(of: "Private-MAC")) else {
            throw .malformed("the MAC of a PuTTY key is no hexadecimal text")
        }
        self.mac = mac
    }

    /// The public part, which is in clear.
    var publicKey: SSHPublicKey? { (try? PublicIdentity(wire: publicBlob))?.publicKey }

    func open(passphrase: [UInt8]?) throws(SSHKeyError) -> SSHPrivateKey {
        let isEncrypted = cipher != "none"
        if isEncrypted, passphrase == nil { throw .passphraseRequired }
        let secret = isEncrypted ? passphrase ?? [] : []
        var keys = try keys(secret)
        defer { wipe(&keys.cipher) }
        var plain = privatePart
        if isEncrypted {
            guard !plain.isEmpty, plain.count % 16 == 0 else {
                throw .malformed("the private part of a PuTTY key is not a multiple of 16 bytes")
            }
            plain = try OpenSSHFileCipher.aes256CBC.decrypt(plain, tag: [], key: keys.cipher, iv: keys.iv)
        }
        defer { wipe(&plain) }
        guard constantTimeEquals(code(over: plain, key: keys.mac), mac) else {
            throw isEncrypted ? .wrongPassphrase : .malformed("the MAC of a PuTTY key is wrong")
        }
        let publicKey = try PublicIdentity(wire: publicBlob).publicKey
        let key = try SSHPrivateKey(try material(plain, of: publicKey), comment: comment)
        guard key.publicKey == publicKey else {
            throw .malformed("the public and the private key in the file do not belong together")
        }
        return key
    }

    private func keys(_ passphrase: [UInt8]) throws(SSHKeyError) -> (cipher: [UInt8], iv: [UInt8], mac: [UInt8]) {
        if let derivation {
            let bytes = try derivation.derive(passphrase, length: 80)
            return (Array(bytes[..<32]), Array(bytes[32..<48]), Array(bytes[48...]))
        }
        guard version == 2 else { return ([], [], []) }
        // Version 2: SHA-1 over a number and the passphrase, twice, and nothing that slows down guessing.
        let digests = [0, 1].map { Array(Insecure.SHA1.hash(data: [0, 0, 0, UInt8($0)] + passphrase)) }
        let macKey = Array(Insecure.SHA1.hash(data: Array("putty-private-key-file-mac-key".utf8) + passphrase))
        return (Array(digests.joined().prefix(32)), [UInt8](repeating: 0, count: 16), macKey)
    }

    private func code(over plain: [UInt8], key: [UInt8]) -> [UInt8] {
        var writer = WireWriter()
        writer.writeString(algorithm)
        writer.writeString(cipher)
        writer.writeString(comment)
        writer.writeString(publicBlob)
        writer.writeString(plain)
        let key = SymmetricKey(data: key)
        return version == 2
            ? Array(HMAC<Insecure.SHA1>.authenticationCode(for: writer.bytes, using: key))
            : Array(HMAC<SHA256>.authenticationCode(for: writer.bytes, using: key))
    }

    /// The private numbers; the public ones stand in the other part.
    private func material(
        _ plain: [UInt8], of publicKey: SSHPublicKey
    ) throws(SSHKeyError) -> SSHPrivateKey.Material {
        var reader = WireReader(plain)
        let material: SSHPrivateKey.Material
        switch publicKey {
        case .ed25519(let key):
            material = try .ed25519(seed: try reader.string(), publicKey: key)
        case .ecdsa(let curve, let point):
            material = try .ecdsa(curve, scalar: try reader.mpint(), point: point)
        case .rsa(let modulus, let exponent):
            let privateExponent = try reader.mpint()
            let p = try reader.mpint()
            let q = try reader.mpint()
            _ = try reader.mpint()  // iqmp: the library works it out again
            material = try .rsa(modulus: modulus, exponent: exponent, privateExponent: privateExponent, p: p, q: q)
        case .skEd25519, .skECDSA: throw .hardwareKey
        }
        guard reader.remaining < 16 else { throw .malformed("the private part of a PuTTY key is too long") }
        return material
    }

    /// The lines of the file: "Name: value", and blocks of base64 whose number of lines a field gives.
    struct Fields {
        private var lines: ArraySlice<ArraySlice<UInt8>>

        init(_ file: [UInt8]) throws(SSHKeyError) {
            guard file.count <= SSHPrivateKey.maximumFileLength else {
                throw .notAPrivateKey("a file of \(file.count) bytes")
            }
            lines = file.split(whereSeparator: { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") })[...]
        }

        mutating func next() throws(SSHKeyError) -> (name: String, value: String) {
            guard let line = lines.popFirst(), let text = String(validating: line, as: UTF8.self),
                let colon = text.firstIndex(of: ":")
            else { throw .malformed("a field of a PuTTY key is missing") }
            // The comment may begin and end with blanks, and the MAC covers them: exactly one is the separator.
            let value = text[text.index(after: colon)...]
            let name = text[..<colon].drop { $0 == " " || $0 == "\t" }
            return (String(name), String(value.first == " " ? value.dropFirst() : value))
        }

        mutating func value(of name: String) throws(SSHKeyError) -> String {
            let field = try next()
            guard field.name == name else {
                throw .malformed("a PuTTY key has \(Printable.text(field.name)) where \(name) belongs")
            }
            return field.value
        }

        mutating func number(of name: String) throws(SSHKeyError) -> Int {
            let text = try value(of: name)
            guard (1...9).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let number = Int(text)
            else { throw .malformed("\(name) of a PuTTY key is no number") }
            return number
        }

        mutating func block(_ name: String) throws(SSHKeyError) -> [UInt8] {
            let count = try number(of: name)
            guard count <= lines.count else { throw .malformed("a PuTTY key is cut off") }
            let text = lines.prefix(count).joined()
            lines = lines.dropFirst(count)
            guard let bytes = Base64.decode(String(decoding: Array(text), as: UTF8.self)) else {
                throw .malformed("the base64 text of a PuTTY key is incomplete or holds other characters")
            }
            return bytes
        }
    }
}
