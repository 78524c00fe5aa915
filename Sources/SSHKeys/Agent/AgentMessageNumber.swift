/// The numbers of messages (draft-ietf-sshm-ssh-agent §6.1).
enum AgentMessageNumber {
    static let failure: UInt8 = 5
    static let success: UInt8 = 6
    static let requestIdentities: UInt8 = 11
    static let identitiesAnswer: UInt8 = 12
    static let signRequest: UInt8 = 13
    static let signResponse: UInt8 = 14
    static let addIdentity: UInt8 = 17
    static let removeIdentity: UInt8 = 18
    static let removeAllIdentities: UInt8 = 19
    static let lock: UInt8 = 22
    static let unlock: UInt8 = 23
    static let addIdentityConstrained: UInt8 = 25
    static let extensionRequest: UInt8 = 27
    static let extensionFailure: UInt8 = 28
    static let extensionResponse: UInt8 = 29

    // Constraints (§6.2).
    static let constrainLifetime: UInt8 = 1
    static let constrainConfirm: UInt8 = 2
    static let constrainExtension: UInt8 = 255
}

/// The names of extensions (OpenSSH's PROTOCOL.agent).
enum AgentExtensionName {
    static let query = "query"
    static let sessionBind = "session-bind@openssh.com"
    static let restrictDestination = "restrict-destination-v00@openssh.com"
}

/// How an RSA key is to sign (draft-ietf-sshm-ssh-agent §6.3).
public struct AgentSignFlags: OptionSet, Sendable, Hashable {
    public let rawValue: UInt32

    public init(rawValue: UInt32) { self.rawValue = rawValue }

    public static let rsaSHA256 = AgentSignFlags(rawValue: 2)
    public static let rsaSHA512 = AgentSignFlags(rawValue: 4)

    /// The flags that make a key sign with `algorithm`; certificates have their plain name's.
    public init(algorithm: String) {
        switch algorithm {
        case "rsa-sha2-256", "rsa-sha2-256-cert-v01@openssh.com": self = .rsaSHA256
        case "rsa-sha2-512", "rsa-sha2-512-cert-v01@openssh.com": self = .rsaSHA512
        default: self = []
        }
    }
}
