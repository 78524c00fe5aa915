/// What a valid signature tells beside being valid: for FIDO keys, whether somebody was there when it was made.
///
/// For other keys all is false and zero: ask ``SSHPublicKey/isHardwareKey`` before asking for presence.
public struct SignatureDetails: Sendable, Hashable {
    /// Somebody touched the token (flag 0x01 of PROTOCOL.u2f).
    public var userPresent: Bool
    /// The token verified its owner, by PIN or fingerprint (flag 0x04).
    public var userVerified: Bool
    /// How many signatures the token made; zero for tokens that do not count.
    public var counter: UInt32

    public init(userPresent: Bool, userVerified: Bool, counter: UInt32) {
        self.userPresent = userPresent
        self.userVerified = userVerified
        self.counter = counter
    }

    static let software = SignatureDetails(userPresent: false, userVerified: false, counter: 0)
}
