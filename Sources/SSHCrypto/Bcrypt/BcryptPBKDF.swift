import CSSHCipher
import Crypto

/// OpenSSH's bcrypt_pbkdf: the function that turns a passphrase into the key of an OpenSSH private key file.
///
/// It is PBKDF2's construction (RFC 8018 §5.2) over a bcrypt with SHA-512 digests as password and salt, with the
/// bytes of the blocks spread over the output so that every part of the key costs all the work.
public enum BcryptPBKDF {
    /// The rounds that are accepted. ssh-keygen writes 16 or 24; each costs some milliseconds, so a file that says
    /// 2^32 - 1 must not be believed.
    public static let allowedRounds = 1...2048
    /// The output lengths that are accepted, in bytes.
    public static let allowedLengths = 1...1024

    private static let blockLength = 32

    /// - Parameters:
    ///   - password: not empty.
    ///   - salt: not empty; OpenSSH uses 16 bytes.
    ///   - rounds: see ``allowedRounds``.
    ///   - length: bytes wanted, see ``allowedLengths``.
    ///
    /// Throws `invalidParameter` if one of them is out of range.
    public static func derive(
        password: [UInt8], salt: [UInt8], rounds: Int, length: Int
    ) throws(SSHCryptoError) -> [UInt8] {
        guard allowedRounds.contains(rounds) else {
            throw invalid("\(rounds) bcrypt rounds are outside of 1 to 2048.")
        }
        guard allowedLengths.contains(length) else { throw invalid("bcrypt cannot give \(length) bytes.") }
        guard !password.isEmpty, !salt.isEmpty, salt.count <= 1 << 20 else {
            throw invalid("bcrypt needs a passphrase and a salt.")
        }
        let passwordWords = words(SHA512.hash(data: password))
        let state = BlowfishState()
        let blockCount = (length + blockLength - 1) / blockLength
        var key = [UInt8](repeating: 0, count: length)
        for block in 0..<blockCount {
            let number = UInt32(block + 1)
            let counter = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> UInt32($0)) }
            var output = hash(password: passwordWords, salt: words(SHA512.hash(data: salt + counter)), state)
            var result = output
            for _ in 1..<rounds {
                output = hash(password: passwordWords, salt: words(SHA512.hash(data: output)), state)
                for index in result.indices { result[index] ^= output[index] }
            }
            // Byte i of block b is byte i * blocks + b of the key.
            for (index, byte) in result.enumerated() where index * blockCount + block < length {
                key[index * blockCount + block] = byte
            }
        }
        return key
    }

    /// bcrypt with a fixed cost of 2^6 and a text of its own, on digests of 64 bytes.
    private static func hash(password: [UInt32], salt: [UInt32], _ state: BlowfishState) -> [UInt8] {
        state.reset()
        state.expand(key: password, salt: salt)
        for _ in 0..<64 {
            state.expand(key: salt)
            state.expand(key: password)
        }
        var text = words("OxychromaticBlowfishSwatDynamite".utf8)
        for _ in 0..<64 { state.encrypt(&text) }
        // The words go out in little-endian order: what the first implementation did, and so the format.
        return text.flatMap { word in [0, 8, 16, 24].map { UInt8(truncatingIfNeeded: word >> UInt32($0)) } }
    }

    /// Big-endian words of 32 bits.
    private static func words(_ bytes: some Sequence<UInt8>) -> [UInt32] {
        var result: [UInt32] = []
        var word: UInt32 = 0
        for (index, byte) in bytes.enumerated() {
            word = word << 8 | UInt32(byte)
            if index % 4 == 3 { result.append(word) }
        }
        return result
    }

    private static func invalid(_ description: String) -> SSHCryptoError {
        SSHCryptoError(
            .invalidParameter, description, hint: "Write the key file anew with ssh-keygen -p -a 16 -f FILE.")
    }
}
