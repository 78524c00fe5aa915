public import SSHKeys

/// A host key that the host has proved to own: the signature over the exchange hash is verified already. Whether it is
/// the right host's key is the owner's decision.
public struct HostKeyOffer: Sendable, Hashable {
    /// The key, or the certificate with the key in it. A certificate is still to be checked: its authority, dates and
    /// principals.
    public var identity: PublicIdentity
    public var algorithm: HostKeyAlgorithm

    public var publicKey: SSHPublicKey { identity.publicKey }
}
