public import NIOCore
public import SSHKeys
public import SSHProtocol

/// How a user proves who they are (RFC 4252, RFC 4256). Tried in the order given, each as far as the host offers it.
public enum SSHCredential: Sendable {
    /// publickey (RFC 4252 §7). An RSA key signs with rsa-sha2-512 or rsa-sha2-256, as the host announces (RFC 8332).
    case privateKey(SSHPrivateKey)
    /// publickey with a certificate for the key (OpenSSH's PROTOCOL.certkeys).
    case certificate(SSHCertificate, SSHPrivateKey)
    /// publickey with a key that somebody else signs with: an agent, a security key. The closure is asked only after the
    /// host said that the key would do; nil gives this credential up.
    case external(PublicIdentity, sign: @Sendable (SignatureRequest, SSHSessionFacts) async -> [UInt8]?)
    /// publickey with every key that an agent shows, in its order. An agent that is not there shows none.
    case agent(SSHAgentClient)
    /// password (RFC 4252 §8), or keyboard-interactive when the host asks a single question without echo.
    case password([UInt8])
    /// password (RFC 4252 §8), asked for when its turn comes; nil gives this credential up.
    case askedPassword(@Sendable () async -> String?)
    /// keyboard-interactive (RFC 4256): the closure is asked for each round of questions and returns one answer for
    /// each prompt, or nil to give up.
    case keyboardInteractive(@Sendable (AuthenticationPrompt) async -> [String]?)
}

/// What binds a signature to a connection, for agents that want to know (session-bind@openssh.com).
public struct SSHSessionFacts: Sendable, Hashable {
    /// The exchange hash of the first key exchange.
    public var sessionID: [UInt8]
    /// The host's key or certificate that was accepted.
    public var hostIdentity: PublicIdentity?
    /// That key's signature over `sessionID`; empty where it is not known.
    public var hostSignature: [UInt8]

    public init(sessionID: [UInt8], hostIdentity: PublicIdentity?, hostSignature: [UInt8] = []) {
        self.sessionID = sessionID
        self.hostIdentity = hostIdentity
        self.hostSignature = hostSignature
    }

    init(_ machine: ConnectionMachine) {
        self.init(
            sessionID: machine.sessionID, hostIdentity: machine.hostIdentity, hostSignature: machine.hostSignature)
    }
}

/// The host's proven key, to be compared with what is on record. Asked before authentication; nothing else is read from
/// the host until the answer.
public struct HostKeyQuestion: Sendable, Hashable {
    /// The key, which in a certificate is the one that it certifies.
    public var publicKey: SSHPublicKey
    /// The key, or the certificate with the key in it, which is still to be checked.
    public var identity: PublicIdentity
    /// The signature algorithm it was proven with, such as "rsa-sha2-512".
    public var algorithm: String
    /// What was asked for.
    public var endpoint: SSHEndpoint
    /// The IP address that the connection goes to.
    public var remoteAddress: String

    public init(publicKey: SSHPublicKey, algorithm: String, endpoint: SSHEndpoint, remoteAddress: String) {
        self.init(
            identity: .key(publicKey), algorithm: algorithm, endpoint: endpoint, remoteAddress: remoteAddress)
    }

    public init(identity: PublicIdentity, algorithm: String, endpoint: SSHEndpoint, remoteAddress: String) {
        publicKey = identity.publicKey
        self.identity = identity
        self.algorithm = algorithm
        self.endpoint = endpoint
        self.remoteAddress = remoteAddress
    }
}

/// The answer to a `HostKeyQuestion`. There is no default: whoever connects decides.
public enum HostKeyAnswer: Sendable, Hashable {
    case accept
    /// The reason is one sentence for people and becomes the description of the `host_key_refused` error.
    case refuse(reason: String)
}

/// Everything a client connection needs to know beforehand.
public struct SSHClientConfiguration: Sendable {
    /// The account at the host (RFC 4252 §5).
    public var username: String
    /// What to authenticate with, in the order in which it is tried; one whose method the host does not offer is left out.
    public var credentials: [SSHCredential]
    /// Asked once, before authentication. A key that changes within the connection ends it without a question.
    public var verifyHostKey: @Sendable (HostKeyQuestion) async -> HostKeyAnswer
    /// Called with each banner (RFC 4252 §5.4), on the event loop. The text is the host's: neutralise it before showing.
    public var banner: @Sendable (String) -> Void = { _ in }
    /// Keys beside the one in use that the host proved to own (hostkeys-00@openssh.com), on the event loop. What is on
    /// record may be brought up to date with them. nil does not ask the host for proofs.
    public var hostKeysOffered: (@Sendable ([SSHPublicKey]) -> Void)?
    /// What is on record of the host already: while it has just these keys it is not asked for proofs.
    public var knownHostKeys: Set<SSHPublicKey> = []
    /// Asked for a new password where the host demands one (RFC 4252 §8); nil gives the credential up.
    public var changePassword: (@Sendable (PasswordChangePrompt) async -> [UInt8]?)?
    /// For name resolution and the TCP connection together. 10 seconds.
    public var connectTimeout: Duration = .seconds(10)
    /// From the TCP connection to the end of authentication, without the time that questions to people take. 30 seconds.
    public var handshakeTimeout: Duration = .seconds(30)
    /// Silence after which the host is asked for a sign of life. 10 seconds; zero turns it off.
    public var keepaliveInterval: Duration = .seconds(10)
    /// Unanswered signs of life after which the host counts as dead: with the defaults, 30 seconds after it fell silent.
    public var keepaliveCountMax: Int = 2
    /// Ends a connection that carried no channel data for so long; nil never does.
    public var idleTimeout: Duration?
    /// The local IP address to connect from; nil leaves it to the system.
    public var localAddress: String?
    /// Begins authentication with the first credential, where that is a private key, instead of asking which methods there
    /// are. It saves what hosts wait before they refuse; one without that method counts one refusal more.
    public var signsFirst = false
    /// Has the system look for a peer that went away without a word (SO_KEEPALIVE), beside `keepaliveInterval`.
    public var usesTCPKeepalive = true
    /// What may be negotiated, first what is preferred (RFC 4253 §7.1).
    public var algorithms: AlgorithmPreferences = .standard
    /// After how many bytes and packets, and how much time, new keys are agreed on (RFC 4253 §9, RFC 4344 §3).
    public var rekey: RekeyPolicy = .standard
    /// Channels at once on one connection.
    public var maximumChannels: Int {
        get { channelLimits.channels }
        set { channelLimits.channels = newValue }
    }
    /// How many channels there may be and how far their windows grow.
    public var channelLimits: ChannelLimits = .standard

    public init(
        username: String,
        credentials: [SSHCredential],
        verifyHostKey: @escaping @Sendable (HostKeyQuestion) async -> HostKeyAnswer
    ) {
        self.username = username
        self.credentials = credentials
        self.verifyHostKey = verifyHostKey
    }
}

/// What a short handshake learned about a host, before any authentication.
public struct HostKeyReport: Sendable, Hashable {
    public var publicKey: SSHPublicKey
    /// The signature algorithm the host proved the key with.
    public var algorithm: String
    /// The host's identification, such as "SSH-2.0-OpenSSH_9.2p1". Printable ASCII.
    public var serverIdentification: String
    /// The address the connection went to.
    public var remoteAddress: SocketAddress
    /// Lines the host sent before its identification, neutralised for display.
    public var banner: String?
}
