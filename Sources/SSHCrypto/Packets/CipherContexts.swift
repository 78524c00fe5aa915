import CSSHCipher

// One small owner for each C context: it exists whole or not at all, and is destroyed exactly once.

final class GCMContext {
    let pointer: OpaquePointer

    init(key: [UInt8], iv: [UInt8], encrypts: Bool) throws(SSHCryptoError) {
        guard let pointer = ssh_gcm_create(key, key.count, iv, encrypts ? 1 : 0) else {
            throw .internalFailure("AES-GCM could not be started.")
        }
        self.pointer = pointer
    }

    deinit { ssh_gcm_destroy(pointer) }
}

final class CTRContext {
    let pointer: OpaquePointer

    init(key: [UInt8], iv: [UInt8]) throws(SSHCryptoError) {
        guard let pointer = ssh_ctr_create(key, key.count, iv) else {
            throw .internalFailure("AES-CTR could not be started.")
        }
        self.pointer = pointer
    }

    deinit { ssh_ctr_destroy(pointer) }
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
