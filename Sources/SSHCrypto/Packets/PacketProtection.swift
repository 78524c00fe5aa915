/// What protects the packets of one direction, and how it lays them out.
enum PacketProtection {
    case gcm(GCMContext)
    case chacha(ChaChaContext)
    /// Encrypt-then-MAC: the length is in clear and the tag covers ciphertext.
    case encryptThenMAC(StreamContext, HMACContext)
    /// Encrypt-and-MAC (RFC 4253 §6.4): the length is encrypted too and the tag covers plaintext.
    case encryptAndMAC(StreamContext, HMACContext)

    init(
        cipher: CipherName, mac: MACName?, key: [UInt8], iv: [UInt8], macKey: [UInt8], encrypts: Bool
    ) throws(SSHCryptoError) {
        guard key.count == cipher.keyLength, iv.count == cipher.ivLength else {
            throw SSHCryptoError(
                .invalidLength, "The key or initial vector for \(cipher.rawValue) has the wrong length.",
                hint: "Derive as many bytes as the cipher's keyLength and ivLength say.")
        }
        switch cipher {
        case .aes128GCM, .aes256GCM: self = .gcm(try GCMContext(key: key, iv: iv))
        case .chacha20Poly1305: self = .chacha(try ChaChaContext(key: key))
        case .aes128CTR, .aes192CTR, .aes256CTR, .aes128CBC, .aes192CBC, .aes256CBC, .tripleDESCBC:
            guard let mac else {
                throw SSHCryptoError(
                    .unsupported, "\(cipher.rawValue) does not protect integrity and was chosen without a MAC.",
                    hint: "Negotiate a MAC for every cipher that is not an AEAD.")
            }
            guard macKey.count == mac.keyLength else {
                throw SSHCryptoError(
                    .invalidLength, "The key for \(mac.rawValue) has the wrong length.",
                    hint: "Derive as many bytes as the MAC's keyLength says.")
            }
            let stream = try StreamContext(cipher, key: key, iv: iv, encrypts: encrypts)
            let hmac = try HMACContext(mac, key: macKey)
            self = mac.isEncryptThenMAC ? .encryptThenMAC(stream, hmac) : .encryptAndMAC(stream, hmac)
        }
    }
}

/// Sizes of one binary packet (RFC 4253 §6).
struct PacketLayout {
    /// Bytes of the length field.
    static let lengthField = 4
    /// The largest payload that is ever sealed. Far above the 32,768 bytes that RFC 4253 §6.1 asks for.
    static let maximumPayload = 256 * 1024
    static let minimumPadding = 4
    static let maximumPadding = 255

    let paddingLength: Int
    /// The packet_length field: padding length byte, payload and padding.
    let packetLength: Int

    /// - Parameters:
    ///   - blockSize: what the aligned part is a multiple of.
    ///   - alignsLength: whether the length field counts to that part. It does where it is encrypted with the rest, not
    ///     where it is in clear (GCM, EtM) or encrypted apart (ChaCha20).
    init(payloadLength: Int, blockSize: Int, alignsLength: Bool) {
        let unpadded = 1 + payloadLength + (alignsLength ? Self.lengthField : 0)
        var padding = blockSize - unpadded % blockSize
        if padding < Self.minimumPadding { padding += blockSize }
        paddingLength = padding
        packetLength = 1 + payloadLength + padding
    }

    /// The bounds that a received packet_length must keep before a byte of the packet is waited for.
    static func check(
        packetLength: UInt32, blockSize: Int, alignsLength: Bool, maximum: Int
    ) throws(SSHCryptoError) -> Int {
        let length = Int(packetLength)
        // A padding length byte, at least one byte of payload (the message number) and at least 4 of padding.
        guard length >= 1 + 1 + minimumPadding else {
            throw .invalidLength("A packet of \(length) bytes is too short to be one.")
        }
        guard length <= maximum else {
            throw .invalidLength("A packet of \(length) bytes is longer than the limit of \(maximum).")
        }
        guard (length + (alignsLength ? lengthField : 0)) % blockSize == 0 else {
            throw .invalidLength("A packet of \(length) bytes is not a multiple of the cipher's block size.")
        }
        return length
    }

    /// Bytes of payload in a packet whose padding length byte says `paddingLength`.
    static func payloadLength(packetLength: Int, paddingLength: Int) throws(SSHCryptoError) -> Int {
        guard paddingLength >= minimumPadding, 1 + 1 + paddingLength <= packetLength else {
            throw .invalidLength("A packet of \(packetLength) bytes says that \(paddingLength) of them are padding.")
        }
        return packetLength - 1 - paddingLength
    }
}
