import CSNTRUP761

/// A key of Streamlined NTRU Prime with p = 761, q = 4591, w = 286: a lattice of another kind than ML-KEM's.
struct SNTRUP761: Sendable {
    static let publicKeyLength = Int(SNTRUP761_PUBLIC_KEY_LENGTH)
    static let ciphertextLength = Int(SNTRUP761_CIPHERTEXT_LENGTH)
    static let secretLength = Int(SNTRUP761_SECRET_LENGTH)

    let publicKey: [UInt8]
    let secretKey: [UInt8]

    /// A fresh key.
    init() throws(SSHCryptoError) { try self.init(random: systemRandom, context: nil) }

    /// A key from bytes that `random` gives, for vectors that were made from a known seed.
    init(random: sntrup761_random, context: UnsafeMutableRawPointer?) throws(SSHCryptoError) {
        var publicKey = [UInt8](repeating: 0, count: Self.publicKeyLength)
        var secretKey = [UInt8](repeating: 0, count: Int(SNTRUP761_SECRET_KEY_LENGTH))
        guard sntrup761_make_key(&publicKey, &secretKey, random, context) == 0 else {
            throw .internalFailure("No sntrup761 key could be made.")
        }
        self.publicKey = publicKey
        self.secretKey = secretKey
    }

    /// A fresh secret for the owner of `publicKey` (1158 bytes), and its encapsulation.
    static func encapsulate(to publicKey: [UInt8]) throws(SSHCryptoError) -> (ciphertext: [UInt8], secret: [UInt8]) {
        try encapsulate(to: publicKey, random: systemRandom, context: nil)
    }

    static func encapsulate(
        to publicKey: [UInt8], random: sntrup761_random, context: UnsafeMutableRawPointer?
    ) throws(SSHCryptoError) -> (ciphertext: [UInt8], secret: [UInt8]) {
        guard publicKey.count == publicKeyLength else { throw .shareLength }
        var ciphertext = [UInt8](repeating: 0, count: ciphertextLength)
        var secret = [UInt8](repeating: 0, count: secretLength)
        guard sntrup761_encapsulate(&ciphertext, &secret, publicKey, random, context) == 0 else {
            throw .internalFailure("No sntrup761 secret could be encapsulated.")
        }
        return (ciphertext, secret)
    }

    /// The secret in `ciphertext` (1039 bytes); one that nobody knows where it was changed.
    func decapsulate(_ ciphertext: [UInt8]) throws(SSHCryptoError) -> [UInt8] {
        guard ciphertext.count == Self.ciphertextLength else { throw .shareLength }
        var secret = [UInt8](repeating: 0, count: Self.secretLength)
        guard sntrup761_decapsulate(&secret, ciphertext, secretKey) == 0 else {
            throw .internalFailure("An sntrup761 ciphertext could not be opened.")
        }
        return secret
    }
}

private let systemRandom: sntrup761_random = { _, bytes, length in
    guard let bytes else { return -1 }
    return fillRandomly(bytes, length)
}
