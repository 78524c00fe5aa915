/// The keywords of ssh_config(5) of OpenSSH 9.2, and `Tag` of later ones; the raw value is the name in the manual.
///
/// `Host`, `Match` and `Include` are no settings and so not among them.
public enum ConfigurationKeyword: String, CaseIterable, Sendable, Hashable {
    case addKeysToAgent = "AddKeysToAgent"
    case addressFamily = "AddressFamily"
    case batchMode = "BatchMode"
    case bindAddress = "BindAddress"
    case bindInterface = "BindInterface"
    case canonicalDomains = "CanonicalDomains"
    case canonicalizeFallbackLocal = "CanonicalizeFallbackLocal"
    case canonicalizeHostname = "CanonicalizeHostname"
    case canonicalizeMaxDots = "CanonicalizeMaxDots"
    case canonicalizePermittedCNAMEs = "CanonicalizePermittedCNAMEs"
    case caSignatureAlgorithms = "CASignatureAlgorithms"
    case certificateFile = "CertificateFile"
    case checkHostIP = "CheckHostIP"
    case ciphers = "Ciphers"
    case clearAllForwardings = "ClearAllForwardings"
    case compression = "Compression"
    case connectionAttempts = "ConnectionAttempts"
    case connectTimeout = "ConnectTimeout"
    case controlMaster = "ControlMaster"
    case controlPath = "ControlPath"
    case controlPersist = "ControlPersist"
    case dynamicForward = "DynamicForward"
    case enableEscapeCommandline = "EnableEscapeCommandline"
    case enableSSHKeysign = "EnableSSHKeysign"
    case escapeChar = "EscapeChar"
    case exitOnForwardFailure = "ExitOnForwardFailure"
    case fingerprintHash = "FingerprintHash"
    case forkAfterAuthentication = "ForkAfterAuthentication"
    case forwardAgent = "ForwardAgent"
    case forwardX11 = "ForwardX11"
    case forwardX11Timeout = "ForwardX11Timeout"
    case forwardX11Trusted = "ForwardX11Trusted"
    case gatewayPorts = "GatewayPorts"
    case globalKnownHostsFile = "GlobalKnownHostsFile"
    case gssapiAuthentication = "GSSAPIAuthentication"
    case gssapiDelegateCredentials = "GSSAPIDelegateCredentials"
    case hashKnownHosts = "HashKnownHosts"
    case hostbasedAcceptedAlgorithms = "HostbasedAcceptedAlgorithms"
    case hostbasedAuthentication = "HostbasedAuthentication"
    case hostKeyAlgorithms = "HostKeyAlgorithms"
    case hostKeyAlias = "HostKeyAlias"
    case hostName = "HostName"
    case identitiesOnly = "IdentitiesOnly"
    case identityAgent = "IdentityAgent"
    case identityFile = "IdentityFile"
    case ignoreUnknown = "IgnoreUnknown"
    case ipQoS = "IPQoS"
    case kbdInteractiveAuthentication = "KbdInteractiveAuthentication"
    case kbdInteractiveDevices = "KbdInteractiveDevices"
    case kexAlgorithms = "KexAlgorithms"
    case knownHostsCommand = "KnownHostsCommand"
    case localCommand = "LocalCommand"
    case localForward = "LocalForward"
    case logLevel = "LogLevel"
    case logVerbose = "LogVerbose"
    case macs = "MACs"
    case noHostAuthenticationForLocalhost = "NoHostAuthenticationForLocalhost"
    case numberOfPasswordPrompts = "NumberOfPasswordPrompts"
    case passwordAuthentication = "PasswordAuthentication"
    case permitLocalCommand = "PermitLocalCommand"
    case permitRemoteOpen = "PermitRemoteOpen"
    case pkcs11Provider = "PKCS11Provider"
    case port = "Port"
    case preferredAuthentications = "PreferredAuthentications"
    case proxyCommand = "ProxyCommand"
    case proxyJump = "ProxyJump"
    case proxyUseFdpass = "ProxyUseFdpass"
    case pubkeyAcceptedAlgorithms = "PubkeyAcceptedAlgorithms"
    case pubkeyAuthentication = "PubkeyAuthentication"
    case rekeyLimit = "RekeyLimit"
    case remoteCommand = "RemoteCommand"
    case remoteForward = "RemoteForward"
    case requestTTY = "RequestTTY"
    case requiredRSASize = "RequiredRSASize"
    case revokedHostKeys = "RevokedHostKeys"
    case securityKeyProvider = "SecurityKeyProvider"
    case sendEnv = "SendEnv"
    case serverAliveCountMax = "ServerAliveCountMax"
    case serverAliveInterval = "ServerAliveInterval"
    case sessionType = "SessionType"
    case setEnv = "SetEnv"
    case stdinNull = "StdinNull"
    case streamLocalBindMask = "StreamLocalBindMask"
    case streamLocalBindUnlink = "StreamLocalBindUnlink"
    case strictHostKeyChecking = "StrictHostKeyChecking"
    case syslogFacility = "SyslogFacility"
    case tag = "Tag"
    case tcpKeepAlive = "TCPKeepAlive"
    case tunnel = "Tunnel"
    case tunnelDevice = "TunnelDevice"
    case updateHostKeys = "UpdateHostKeys"
    case user = "User"
    case userKnownHostsFile = "UserKnownHostsFile"
    case verifyHostKeyDNS = "VerifyHostKeyDNS"
    case visualHostKey = "VisualHostKey"
    case xAuthLocation = "XAuthLocation"
}

extension ConfigurationKeyword {
    /// The keyword that a line's first word names, under its present or an old name; upper and lower case are the same.
    public init?(named name: String) {
        let name = name.lowercased()
        guard let keyword = Self.byName[name] ?? Self.oldNames[name] else { return nil }
        self = keyword
    }

    private static let byName = Dictionary(uniqueKeysWithValues: allCases.map { ($0.rawValue.lowercased(), $0) })

    private static let oldNames: [String: ConfigurationKeyword] = [
        "challengeresponseauthentication": .kbdInteractiveAuthentication,
        "skeyauthentication": .kbdInteractiveAuthentication,
        "tisauthentication": .kbdInteractiveAuthentication,
        "dsaauthentication": .pubkeyAuthentication,
        "identityfile2": .identityFile,
        "keepalive": .tcpKeepAlive,
        "hostbasedkeytypes": .hostbasedAcceptedAlgorithms,
        "pubkeyacceptedkeytypes": .pubkeyAcceptedAlgorithms,
        "smartcarddevice": .pkcs11Provider,
    ]

    /// Names of the past, and of packagers, that a line may begin with and that change nothing.
    static let ignoredNames: Set<String> = [
        "protocol", "cipher", "fallbacktorsh", "globalknownhostsfile2", "rhostsauthentication", "userknownhostsfile2",
        "useroaming", "usersh", "useprivilegedport", "afstokenpassing", "kerberosauthentication",
        "kerberostgtpassing", "rsaauthentication", "rhostsrsaauthentication", "compressionlevel",
        "gssapikeyexchange", "gssapitrustdns", "gssapirenewalforcesrekey", "gssapiclientidentity",
        "gssapiserveridentity", "gssapikexalgorithms",
    ]

    /// Whether something in this program acts on the keyword. A command warns of the others when they are set.
    public var isSupported: Bool { !Self.unsupported.contains(self) }

    private static let unsupported: Set<ConfigurationKeyword> = [
        .bindInterface, .checkHostIP, .controlMaster, .controlPath, .controlPersist, .enableEscapeCommandline,
        .enableSSHKeysign, .gssapiAuthentication, .gssapiDelegateCredentials, .hostbasedAcceptedAlgorithms,
        .hostbasedAuthentication, .ipQoS, .knownHostsCommand, .logVerbose, .pkcs11Provider, .proxyUseFdpass,
        .securityKeyProvider, .syslogFacility, .tunnel, .tunnelDevice, .verifyHostKeyDNS,
    ]
}
