import Crypto
import CryptoExtras
import SSHCrypto

/// OpenSSH's key file format (its PROTOCOL.key): a public key in clear, the private key in one block that may be
/// encrypted.
enum OpenSSHPrivateKey {
    private static let magic = Array("openssh-key-v1\0".utf8)

    static func read(_ content: [UInt8], passphrase: [UInt8]?) throws(SSHKeyError) -> SSHPrivateKey {
        var reader = WireReader(content)
        guard (try? reader.raw(magic.count)) == magic else {
            throw .malformed("it does not begin as an OpenSSH key does")
        }
        let cipherName = try reader.utf8String()
        let kdfName = try reader.utf8String()
        let kdfOptions = try reader.string()
        guard try reader.uint32() == 1 else {
            throw .unsupported("A file with more than one key", hint: "Keep each key in a file of its own.")
        }
        let publicKey = try SSHPublicKey(wire: try reader.string())
        guard !publicKey.isHardwareKey else { throw .hardwareKey }
        let block = try reader.string()
        guard let cipher = OpenSSHFileCipher(rawValue: cipherName) else {
            throw .unsupported("The cipher “\(Printable.text(cipherName))” in key files", hint: reencrypt)
        }
        let tag = try reader.raw(cipher.tagLength)
        try reader.expectEnd(of: "the key file")

        guard cipher != .none else {
            guard kdfName == "none", kdfOptions.isEmpty else {
                throw .malformed("the file is not encrypted and yet names a passphrase function")
            }
            return try readBlock(block, of: publicKey, blockSize: 8, wasEncrypted: false)
        }
        let kdf = try BcryptOptions(name: kdfName, options: kdfOptions)
        guard let passphrase else { throw .passphraseRequired }
        let keys = try kdf.derive(passphrase, length: cipher.keyLength + cipher.ivLength)
        let plain = try cipher.decrypt(
            block, tag: tag, key: Array(keys.prefix(cipher.keyLength)), iv: Array(keys.dropFirst(cipher.keyLength)))
        return try readBlock(plain, of: publicKey, blockSize: cipher.blockSize, wasEncrypted: true)
    }

    /// The public part, which is in clear.
    static func publicKey(_ content: [UInt8]) -> SSHPublicKey? {
        var reader = WireReader(content)
        guard (try? reader.raw(magic.count)) == magic, (try? reader.string()) != nil, (try? reader.string()) != nil,
            (try? reader.string()) != nil, (try? reader.uint32()) == 1, let blob = try? reader.string()
        else { return nil }
        return try? SSHPublicKey(wire: blob)
    }

    static func write(
        _ key: SSHPrivateKey, passphrase: [UInt8]?, rounds: Int
    ) throws(SSHKeyError) -> String {
        let passphrase = passphrase.flatMap { $0.isEmpty ? nil : $0 }
        let cipher: OpenSSHFileCipher = passphrase == nil ? .none : .aes256CTR
        var block = WireWriter()
        let check = randomBytes(4)
        block.writeRaw(check)
        block.writeRaw(check)
        try key.writePrivateFields(into: &block)
        block.writeString(key.comment)
        var padding: UInt8 = 0
        while block.bytes.count % cipher.blockSize != 0 {
            padding += 1
            block.writeUInt8(padding)
        }

        var options: [UInt8] = []
        var content = block.bytes
        if let passphrase {
            let kdf = try BcryptOptions(salt: randomBytes(16), rounds: rounds)
            let keys = try kdf.derive(passphrase, length: cipher.keyLength + cipher.ivLength)
            options = kdf.encoded
            content = try cipher.applyCounter(
                content, key: Array(keys.prefix(cipher.keyLength)), iv: Array(keys.dropFirst(cipher.keyLength)))
        }
        var file = WireWriter()
        file.writeRaw(magic)
        file.writeString(cipher.rawValue)
        file.writeString(passphrase == nil ? "none" : BcryptOptions.name)
        file.writeString(options)
        file.writeUInt32(1)
        file.writeString(key.publicKey.blob)
        file.writeString(content)
        return PEMBlock.text(label: "OPENSSH PRIVATE KEY", content: file.bytes, width: 70)
    }

    static let reencrypt = "Encrypt the file anew with: ssh-keygen -p -f KEY"

    /// The decrypted block: two equal check numbers, the key's fields, a comment, and 1, 2, 3 … as padding.
    private static func readBlock(
        _ block: [UInt8], of publicKey: SSHPublicKey, blockSize: Int, wasEncrypted: Bool
    ) throws(SSHKeyError) -> SSHPrivateKey {
        guard !block.isEmpty, block.count % blockSize == 0 else {
            throw .malformed("the private part is not a multiple of \(blockSize) bytes")
        }
        var reader = WireReader(block)
        guard try reader.uint32() == reader.uint32() else {
            // The numbers are random and only the right key shows them equal.
            throw wasEncrypted ? .wrongPassphrase : .malformed("the two check numbers differ")
        }
        let material = try SSHPrivateKey.Material(fields: &reader)
        let comment = try reader.utf8String()
        for (index, byte) in reader.rest().enumerated() where Int(byte) != index + 1 || index >= blockSize {
            throw .malformed("the padding is wrong")
        }
        let key = try SSHPrivateKey(material, comment: comment)
        guard key.publicKey == publicKey else {
            throw .malformed("the public and the private key in the file do not belong together")
        }
        return key
    }
}

/// What a key file's passphrase goes through.
struct BcryptOptions {
    static let name = "bcrypt"
    let salt: [UInt8]
    let rounds: Int

    init(salt: [UInt8], rounds: Int) throws(SSHKeyError) {
        guard BcryptPBKDF.allowedRounds.contains(rounds) else {
            throw .unsupported(
                "A key file with \(rounds) bcrypt rounds",
                hint: "Use 1 to 2048 rounds: ssh-keygen -p -a 16 -f KEY")
        }
        guard !salt.isEmpty, salt.count <= 1024 else { throw .malformed("the salt has \(salt.count) bytes") }
        self.salt = salt
        self.rounds = rounds
    }

    init(name: String, options: [UInt8]) throws(SSHKeyError) {
        guard name == Self.name else {
            throw .unsupported(
                "The passphrase function “\(Printable.text(name))” in key files", hint: OpenSSHPrivateKey.reencrypt)
        }
        var reader = WireReader(options)
        let salt = try reader.string()
        let rounds = try reader.uint32()
        try reader.expectEnd(of: "the passphrase function's options")
        try self.init(salt: salt, rounds: Int(rounds))
    }

    var encoded: [UInt8] {
        var writer = WireWriter()
        writer.writeString(salt)
        writer.writeUInt32(UInt32(truncatingIfNeeded: rounds))
        return writer.bytes
    }

    func derive(_ passphrase: [UInt8], length: Int) throws(SSHKeyError) -> [UInt8] {
        do throws(SSHCryptoError) {
            return try BcryptPBKDF.derive(password: passphrase, salt: salt, rounds: rounds, length: length)
        } catch {
            throw .malformed("the passphrase function's options are out of range")
        }
    }
}

/// The ciphers of OpenSSH key files; the raw value is the name in the file.
enum OpenSSHFileCipher: String {
    case none
    case aes128CTR = "aes128-ctr"
    case aes192CTR = "aes192-ctr"
    case aes256CTR = "aes256-ctr"
    case aes128CBC = "aes128-cbc"
    case aes192CBC = "aes192-cbc"
    case aes256CBC = "aes256-cbc"
    case aes128GCM = "aes128-gcm@openssh.com"
    case aes256GCM = "aes256-gcm@openssh.com"

    var keyLength: Int {
        switch self {
        case .none: 0
        case .aes128CTR, .aes128CBC, .aes128GCM: 16
        case .aes192CTR, .aes192CBC: 24
        case .aes256CTR, .aes256CBC, .aes256GCM: 32
        }
    }

    var ivLength: Int {
        switch self {
        case .none: 0
        case .aes128GCM, .aes256GCM: 12
        default: 16
        }
    }

    var blockSize: Int { self == .none ? 8 : 16 }

    var tagLength: Int {
        switch self {
        case .aes128GCM, .aes256GCM: 16
        default: 0
        }
    }

    func decrypt(_ block: [UInt8], tag: [UInt8], key: [UInt8], iv: [UInt8]) throws(SSHKeyError) -> [UInt8] {
        guard !block.isEmpty, block.count % blockSize == 0 else {
            throw .malformed("the encrypted part is not a multiple of \(blockSize) bytes")
        }
        switch self {
        case .none: return block
        case .aes128CTR, .aes192CTR, .aes256CTR: return try applyCounter(block, key: key, iv: iv)
        case .aes128CBC, .aes192CBC, .aes256CBC:
            do {
                return Array(
                    try AES._CBC.decrypt(
                        block, using: SymmetricKey(data: key), iv: AES._CBC.IV(ivBytes: iv), noPadding: true))
            } catch { throw .internalFailure("A key file could not be decrypted.") }
        case .aes128GCM, .aes256GCM:
            // GCM cannot tell a wrong key from changed bytes. A wrong passphrase is by far the likelier.
            do {
                let box = try AES.GCM.SealedBox(nonce: AES.GCM.Nonce(data: iv), ciphertext: block, tag: tag)
                return Array(try AES.GCM.open(box, using: SymmetricKey(data: key)))
            } catch { throw .wrongPassphrase }
        }
    }

    /// Counter mode: encrypting and decrypting are the same.
    func applyCounter(_ block: [UInt8], key: [UInt8], iv: [UInt8]) throws(SSHKeyError) -> [UInt8] {
        do {
            return Array(
                try AES._CTR.encrypt(block, using: SymmetricKey(data: key), nonce: AES._CTR.Nonce(nonceBytes: iv)))
        } catch { throw .internalFailure("A key file could not be encrypted or decrypted.") }
    }
}
