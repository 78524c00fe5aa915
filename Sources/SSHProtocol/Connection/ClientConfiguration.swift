public import NIOCore
public import SSHKeys

/// What the core has to know to be a client.
public struct ClientConfiguration: Sendable {
    public var username: String
    public var credentials: [Credential] = []
    public var algorithms: AlgorithmPreferences = .standard
    public var rekey: RekeyPolicy = .standard
    /// Our identification (RFC 4253 §4.2), without its line end.
    public var identification = "SSH-2.0-SSHCopilot_1.0"
    /// From the start to the end of authentication, without the time that questions take.
    public var handshakeTimeout: TimeAmount = .seconds(30)
    /// For each later key exchange.
    public var keyExchangeTimeout: TimeAmount = .seconds(30)
    /// Silence after which a sign of life is asked for; zero turns it off.
    public var keepaliveInterval: TimeAmount = .seconds(10)
    public var keepaliveCountMax: Int = 2
    /// Ends a connection that carried no channel data for so long; nil never does.
    public var idleTimeout: TimeAmount?
    public var maximumChannels: Int = 256
    /// Begins authentication with the first credential, where that is a private key, before any method was asked for: for
    /// a person whose keys are known to fit their hosts. A host without that method counts one refusal more.
    public var signsFirst = false
    /// Asks for a new password (event `passwordExpired`) where the host demands one; otherwise it ends the connection.
    public var changesExpiredPasswords = false
    /// Lets RSA keys sign with SHA-1 ("ssh-rsa") as the last resort, for hosts that know nothing else.
    public var allowsSHA1Signatures = false
    /// Has the host prove the other keys it announces (hostkeys-00@openssh.com); event `hostKeysOffered` follows.
    public var learnsHostKeys = false
    /// What is on record of the host: when it announces just these there is nothing to prove.
    public var knownHostKeys: Set<SSHPublicKey> = []

    public init(username: String) { self.username = username }
}
