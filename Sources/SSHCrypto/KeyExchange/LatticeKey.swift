import Crypto

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// The key encapsulation mechanisms that a hybrid key exchange adds to X25519.
enum LatticeAlgorithm: Sendable, Hashable {
    /// ML-KEM-768 (FIPS 203).
    case mlkem768
    /// Streamlined NTRU Prime (draft-ietf-sshm-ntruprime-ssh).
    case sntrup761

    /// Bytes of a public key (FIPS 203 table 3, NTRU Prime table 2).
    var publicKeyLength: Int {
        switch self {
        case .mlkem768: 1184
        case .sntrup761: SNTRUP761.publicKeyLength
        }
    }

    /// Bytes of a ciphertext.
    var ciphertextLength: Int {
        switch self {
        case .mlkem768: 1088
        case .sntrup761: SNTRUP761.ciphertextLength
        }
    }

    /// A fresh secret for the owner of `publicKey`, and its encapsulation.
    ///
    /// Throws `invalidPeerShare` for a key that the algorithm does not allow: ML-KEM checks its coefficients (FIPS 203
    /// §7.2), for sntrup761 every key of the right length is one.
    func encapsulate(to publicKey: [UInt8]) throws(SSHCryptoError) -> (ciphertext: [UInt8], secret: [UInt8]) {
        switch self {
        case .mlkem768:
            do {
                let result = try MLKEM768.PublicKey(rawRepresentation: publicKey).encapsulate()
                return (Array(result.encapsulated), result.sharedSecret.withUnsafeBytes { Array($0) })
            } catch {
                throw .invalidPeerShare("The other side's ML-KEM public key is invalid.")
            }
        case .sntrup761: return try SNTRUP761.encapsulate(to: publicKey)
        }
    }
}

/// Our ephemeral key of a key encapsulation mechanism.
enum LatticeKey: Sendable {
    case mlkem768(MLKEM768.PrivateKey)
    case sntrup761(SNTRUP761)

    init(_ algorithm: LatticeAlgorithm) throws(SSHCryptoError) {
        switch algorithm {
        case .mlkem768:
            do { self = .mlkem768(try .generate()) } catch { throw .internalFailure("No ML-KEM key could be made.") }
        case .sntrup761: self = .sntrup761(try SNTRUP761())
        }
    }

    var publicKey: [UInt8] {
        switch self {
        case .mlkem768(let key): Array(key.publicKey.rawRepresentation)
        case .sntrup761(let key): key.publicKey
        }
    }

    /// The secret in `ciphertext`, whose length the caller has checked. A ciphertext that was changed gives a secret
    /// that nobody knows and no error: implicit rejection (FIPS 203 §6.3).
    func decapsulate(_ ciphertext: [UInt8]) throws(SSHCryptoError) -> [UInt8] {
        switch self {
        case .mlkem768(let key):
            do { return try key.decapsulate(Data(ciphertext)).withUnsafeBytes { Array($0) } } catch {
                throw .invalidPeerShare("The other side's ML-KEM ciphertext is invalid.")
            }
        case .sntrup761(let key): return try key.decapsulate(ciphertext)
        }
    }
}
