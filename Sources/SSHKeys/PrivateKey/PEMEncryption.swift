import Crypto
import CryptoExtras

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// AES-CBC with PKCS#7 padding, where a wrong key shows as wrong padding (255 times of 256).
enum PassphraseCBC {
    static func decrypt(_ block: [UInt8], key: [UInt8], iv: [UInt8]) throws(SSHKeyError) -> [UInt8] {
        guard !block.isEmpty, block.count % 16 == 0, iv.count == 16 else {
            throw .malformed("the encrypted part is not a multiple of 16 bytes")
        }
        do {
            return Array(
                try AES._CBC.decrypt(block, using: SymmetricKey(data: key), iv: AES._CBC.IV(ivBytes: iv)))
        } catch { throw .wrongPassphrase }
    }
}

/// The encryption that OpenSSL put around PEM blocks before PKCS#8: "Proc-Type: 4,ENCRYPTED" and "DEK-Info" (RFC 1421
/// §4.6.1). Its passphrase function is one round of MD5, so that it is only read, never written.
enum LegacyPEMEncryption {
    static func open(
        _ block: PEMBlock, passphrase: [UInt8]?
    ) throws(SSHKeyError) -> (bytes: [UInt8], wasEncrypted: Bool) {
        guard let info = block.headers["dek-info"] else { return (block.content, false) }
        let fields = info.split(separator: ",")
        guard fields.count == 2, let iv = Hexadecimal.decode(fields[1]) else {
            throw .malformed("its DEK-Info line is incomplete")
        }
        let keyLength: Int
        switch fields[0].uppercased() {
        case "AES-128-CBC": keyLength = 16
        case "AES-192-CBC": keyLength = 24
        case "AES-256-CBC": keyLength = 32
        default:
            throw .unsupported(
                "The encryption “\(Printable.text(String(fields[0])))” of PEM files", hint: OpenSSHPrivateKey.reencrypt)
        }
        guard iv.count == 16 else { throw .malformed("its DEK-Info line has an initial vector of a wrong length") }
        guard let passphrase else { throw .passphraseRequired }
        let key = derive(passphrase, salt: Array(iv.prefix(8)), length: keyLength)
        return (try PassphraseCBC.decrypt(block.content, key: key, iv: iv), true)
    }

    /// OpenSSL's EVP_BytesToKey with MD5 and one round: D1 = MD5(P || S), D2 = MD5(D1 || P || S) and so on.
    private static func derive(_ passphrase: [UInt8], salt: [UInt8], length: Int) -> [UInt8] {
        var key: [UInt8] = []
        var digest: [UInt8] = []
        while key.count < length {
            digest = Array(Insecure.MD5.hash(data: digest + passphrase + salt))
            key += digest
        }
        return Array(key.prefix(length))
    }
}

/// Encrypted PKCS#8: PBES2 (RFC 8018 §6.2) with PBKDF2 or scrypt (RFC 7914 §7) and AES-CBC, what OpenSSL and `ssh-keygen -m PKCS8` write.
enum PBES2 {
    /// OpenSSL's default is 2,048; ten million take some seconds.
    static let allowedIterations = 1...10_000_000

    static func open(_ content: [UInt8], passphrase: [UInt8]) throws(SSHKeyError) -> [UInt8] {
        var file = DERReader(content)
        var info = try file.enter(.sequence)
        try file.expectEnd()
        var scheme = try info.enter(.sequence)
        let encrypted = try info.read(.octetString)
        try info.expectEnd()
        guard try scheme.read(.objectIdentifier) == ObjectIdentifier.pbes2 else {
            throw unsupported("encryption scheme")
        }
        var parameters = try scheme.enter(.sequence)
        var kdf = try parameters.enter(.sequence)
        var cipher = try parameters.enter(.sequence)

        let keyLength: Int
        switch try cipher.read(.objectIdentifier) {
        case ObjectIdentifier.aes128CBC: keyLength = 16
        case ObjectIdentifier.aes192CBC: keyLength = 24
        case ObjectIdentifier.aes256CBC: keyLength = 32
        default: throw unsupported("cipher")
        }
        let iv = try cipher.read(.octetString)
        let key: [UInt8]
        switch try kdf.read(.objectIdentifier) {
        case ObjectIdentifier.pbkdf2: key = try pbkdf2(try kdf.enter(.sequence), passphrase, length: keyLength)
        case ObjectIdentifier.scrypt: key = try scrypt(try kdf.enter(.sequence), passphrase, length: keyLength)
        default: throw unsupported("passphrase function")
        }
        return try PassphraseCBC.decrypt(encrypted, key: key, iv: iv)
    }

    private static func pbkdf2(
        _ options: DERReader, _ passphrase: [UInt8], length: Int
    ) throws(SSHKeyError) -> [UInt8] {
        var options = options
        let salt = try options.read(.octetString)
        let iterations = try options.smallInteger()
        guard allowedIterations.contains(iterations) else {
            throw .unsupported("A key file with \(iterations) PBKDF2 iterations", hint: OpenSSHPrivateKey.reencrypt)
        }
        if try options.readIfPresent(.integer) != nil { /* the key length, which the cipher says as well */  }
        var hash = KDF.Insecure.PBKDF2.HashFunction.insecureSHA1
        if let algorithm = try options.readIfPresent(.sequence) {
            var reader = DERReader(algorithm)
            switch try reader.read(.objectIdentifier) {
            case ObjectIdentifier.hmacSHA1: break
            case ObjectIdentifier.hmacSHA256: hash = .sha256
            case ObjectIdentifier.hmacSHA384: hash = .sha384
            case ObjectIdentifier.hmacSHA512: hash = .sha512
            default: throw unsupported("hash function")
            }
        }
        do {
            let key = try KDF.Insecure.PBKDF2.deriveKey(
                from: passphrase, salt: salt, using: hash, outputByteCount: length, unsafeUncheckedRounds: iterations)
            return key.withUnsafeBytes { Array($0) }
        } catch { throw .internalFailure("A passphrase could not be turned into a key.") }
    }

    /// OpenSSL takes N = 16384, r = 8, p = 1: 16 MiB. What a file may ask for is bounded.
    private static let maximumScryptMemory = 256 << 20
    private static let maximumScryptParallelism = 16

    private static func scrypt(
        _ options: DERReader, _ passphrase: [UInt8], length: Int
    ) throws(SSHKeyError) -> [UInt8] {
        var options = options
        let salt = try options.read(.octetString)
        let cost = try options.smallInteger()
        let blockSize = try options.smallInteger()
        let parallelism = try options.smallInteger()
        guard cost > 1, cost & (cost - 1) == 0, (1...1024).contains(blockSize),
            cost <= maximumScryptMemory / 128 / blockSize, (1...maximumScryptParallelism).contains(parallelism)
        else {
            throw .unsupported(
                "A key file with scrypt's N = \(cost), r = \(blockSize), p = \(parallelism)",
                hint: OpenSSHPrivateKey.reencrypt)
        }
        do {
            let key = try KDF.Scrypt.deriveKey(
                from: passphrase, salt: salt, outputByteCount: length, rounds: cost, blockSize: blockSize,
                parallelism: parallelism, maxMemory: 2 * maximumScryptMemory)
            return key.withUnsafeBytes { Array($0) }
        } catch { throw .internalFailure("A passphrase could not be turned into a key.") }
    }

    private static func unsupported(_ what: String) -> SSHKeyError {
        .unsupported("The \(what) of this encrypted PKCS#8 key", hint: OpenSSHPrivateKey.reencrypt)
    }
}

enum Hexadecimal {
    /// nil unless the text is pairs of hexadecimal digits.
    static func decode(_ text: some StringProtocol) -> [UInt8]? {
        var bytes: [UInt8] = []
        var high: Int?
        for character in text {
            guard character.isASCII, let digit = character.hexDigitValue else { return nil }
            if let first = high {
                bytes.append(UInt8(first << 4 | digit))
                high = nil
            } else {
                high = digit
            }
        }
        return high == nil ? bytes : nil
    }
}
