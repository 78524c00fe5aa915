import CSSHCipher

// One small owner for each C context: it exists whole or not at all, and is destroyed exactly once.

final class GCMContext {
    let pointer: OpaquePointer

    init(key: [UInt8], iv: [UInt8]) throws(SSHCryptoError) {
        guard let pointer = ssh_gcm_create(key, key.count, iv) else {
            throw .internalFailure("AES-GCM could not be started.")
        }
        self.pointer = pointer
    }

    deinit { ssh_gcm_destroy(pointer) }
}

final class StreamContext {
    let pointer: OpaquePointer

    /// `cipher` is one in counter or CBC mode.
    init(_ cipher: CipherName, key: [UInt8], iv: [UInt8], encrypts: Bool) throws(SSHCryptoError) {
        guard let kind = cipher.streamCipher,
            let pointer = ssh_stream_create(kind, key, key.count, iv, iv.count, encrypts ? 1 : 0)
        else { throw .internalFailure("\(cipher.rawValue) could not be started.") }
        self.pointer = pointer
    }

    deinit { ssh_stream_destroy(pointer) }
}

extension CipherName {
    var streamCipher: ssh_stream_cipher? {
        switch self {
        case .aes128GCM, .aes256GCM, .chacha20Poly1305: nil
        case .aes128CTR: SSH_STREAM_AES128_CTR
        case .aes192CTR: SSH_STREAM_AES192_CTR
        case .aes256CTR: SSH_STREAM_AES256_CTR
        case .aes128CBC: SSH_STREAM_AES128_CBC
        case .aes192CBC: SSH_STREAM_AES192_CBC
        case .aes256CBC: SSH_STREAM_AES256_CBC
        case .tripleDESCBC: SSH_STREAM_3DES_CBC
        }
    }
}

final class HMACContext {
    let pointer: OpaquePointer

    init(_ name: MACName, key: [UInt8]) throws(SSHCryptoError) {
        guard let pointer = ssh_hmac_create(name.tagLength, key, key.count) else {
            throw .internalFailure("HMAC could not be started.")
        }
        self.pointer = pointer
    }

    deinit { ssh_hmac_destroy(pointer) }
}

final class ChaChaContext {
    let pointer: OpaquePointer

    init(key: [UInt8]) throws(SSHCryptoError) {
        guard let pointer = ssh_chacha_create(key) else {
            throw .internalFailure("ChaCha20-Poly1305 could not be started.")
        }
        self.pointer = pointer
    }

    deinit { ssh_chacha_destroy(pointer) }
}
