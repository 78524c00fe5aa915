/// What the core has to know to be a server.
public struct ServerConfiguration: Sendable {
    /// Our identification (RFC 4253 §4.2), without its line end.
    public var identification = "SSH-2.0-SSHCopilot_1.0"
    /// At least one; with several, the client's preference decides.
    public var hostKeys: [HostKey]
    public var algorithms: AlgorithmPreferences = .standard
    /// Group exchange (RFC 4419) costs more than it gives: it is offered only with this on.
    public var allowsGroupExchange = false
    public var rekey: RekeyPolicy = .standard
    /// From the start to the end of authentication, whatever it is spent on.
    public var loginGraceTime: Duration = .seconds(120)
    /// For each later key exchange.
    public var keyExchangeTimeout: Duration = .seconds(30)
    /// Refused attempts after which the connection ends.
    public var maximumAuthenticationFailures = 6
    /// Requests of any kind, probes and partial successes included, after which the connection ends.
    public var maximumAuthenticationRequests = 128
    /// Shown before the first answer (RFC 4252 §5.4).
    public var banner: String?
    /// The methods that a chain may begin with.
    public var authenticationMethods = ["publickey"]
    /// Signature algorithms taken from users; announced in server-sig-algs (RFC 8308 §3.1).
    public var acceptedUserKeyAlgorithms = UserKeyAlgorithm.standard
    /// Refuses signatures of security keys that nobody touched, before anybody is asked. Turn it off only to decide key
    /// by key ("no-touch-required").
    public var requiresUserPresence = true
    /// Announces ping@openssh.com; clients of OpenSSH then hide the rhythm of key strokes.
    public var advertisesPing = true
    /// Tells clients all host keys after authentication (hostkeys-00@openssh.com), so that keys can be rotated.
    public var announcesHostKeys = true
    /// Silence after which a sign of life is asked for; zero turns it off.
    public var keepaliveInterval: Duration = .seconds(30)
    public var keepaliveCountMax = 3
    /// Ends a connection that carried no channel data for so long; nil never does.
    public var idleTimeout: Duration?
    public var maximumChannels = 256
    /// Session channels among them.
    public var maximumSessions = 10

    public init(hostKeys: [HostKey]) { self.hostKeys = hostKeys }
}
