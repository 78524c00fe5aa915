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

    /// Bytes of a public key (FIPS 203 table 3).
    var publicKeyLength: Int {
        switch self {
        case .mlkem768: 1184
        }
    }

    /// Bytes of a ciphertext.
    var ciphertextLength: Int {
        switch self {
        case .mlkem768: 1088
        }
    }

    /// A fresh secret for the owner of `publicKey`, and its encapsulation.
    ///
    /// Throws `invalidPeerShare` for a key that the algorithm does not allow (FIPS 203 §7.2).
    func encapsulate(to publicKey: [UInt8]) throws(SSHCryptoError) -> (ciphertext: [UInt8], secret: [UInt8]) {
        switch self {
        case .mlkem768:
            do {
                let result = try MLKEM768.PublicKey(rawRepresentation: publicKey).encapsulate()
                return (Array(result.encapsulated), result.sharedSecret.withUnsafeBytes { Array($0) })
            } catch {
                throw .invalidPeerShare("The other side's ML-KEM public key is invalid.")
            }
        }
    }
}

/// Our ephemeral key of a key encapsulation mechanism.
enum LatticeKey: Sendable {
    case mlkem768(MLKEM768.PrivateKey)

    init(_ algorithm: LatticeAlgorithm) throws(SSHCryptoError) {
        switch algorithm {
        case .mlkem768:
            do { self = .mlkem768(try .generate()) } catch { throw .internalFailure("No ML-KEM key could be made.") }
        }
    }

    var publicKey: [UInt8] {
        switch self {
        case .mlkem768(let key): Array(key.publicKey.rawRepresentation)
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
        }
    }
}
