public import SSHKeys

/// A host key that the host has proved to own: the signature over the exchange hash is verified already. Whether it is
/// the right host's key is the owner's decision.
public struct HostKeyOffer: Sendable, Hashable {
    public var publicKey: SSHPublicKey
    public var algorithm: HostKeyAlgorithm
}
