// How a host proves its key within a key exchange.

import SSHKeys

enum HostProof {
    /// The key or certificate must be of the kind that was agreed on: an RSA key under an Ed25519 agreement is an attack
    /// or a fault.
    static func identity(_ blob: [UInt8], _ algorithm: HostKeyAlgorithm) throws(ProtocolError) -> PublicIdentity {
        let identity: PublicIdentity
        do throws(SSHKeyError) {
            identity = try PublicIdentity(wire: blob)
        } catch {
            throw .keyExchange("The host's key is not usable: \(DisplayText.neutralise(error.description, limit: 200))")
        }
        guard identity.algorithm == algorithm.keyFormat else {
            throw .keyExchange(
                "The host's key is of the kind \(DisplayText.neutralise(identity.algorithm, limit: 64)), "
                    + "but \(algorithm.rawValue) was agreed on.")
        }
        return identity
    }

    static func verify(
        _ signature: [UInt8], _ identity: PublicIdentity, _ algorithm: HostKeyAlgorithm, _ hash: [UInt8]
    ) throws(ProtocolError) {
        // Each way to fail says the same: an error while verifying is a refusal (CVE-2025-26465).
        let isGood =
            (try? identity.publicKey.verify(
                signature: signature, over: hash, algorithm: algorithm.signatureAlgorithm,
                allowingLegacy: algorithm.isLegacy)) ?? false
        guard isGood else { throw .keyExchange("The host could not prove that it owns its host key.") }
    }
}
