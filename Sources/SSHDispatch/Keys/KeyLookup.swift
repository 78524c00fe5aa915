public import SSHKeys

/// Somebody who knows whose a key is.
public protocol KeyLookup: Sendable {
    /// The person's name; nil when nobody has this key.
    ///
    /// - Throws: `temporary` when it cannot be found out now, `configuration` when what is written there cannot be used.
    ///   A caller refuses then: who could not be looked up is not unknown.
    func owner(of key: SSHPublicKey) throws(DispatchError) -> PersonName?
}
