// What we offer in SSH_MSG_KEXINIT (RFC 4253 §7.1), best first, and what both sides agreed on.

public import SSHCrypto
public import SSHKeys

/// What is offered to the peer, each list best first.
public struct AlgorithmPreferences: Sendable, Hashable {
    /// Key exchange methods (RFC 4253 §7.1).
    public var keyExchange: [KeyExchangeMethod]
    /// Algorithms of host keys and of the signatures made with them.
    public var hostKeys: [HostKeyAlgorithm]
    /// For both directions.
    public var ciphers: [CipherName]
    /// For both directions, and only with ciphers that do not authenticate by themselves.
    public var macs: [MACName]
    /// Off by default: it costs time on all but slow links, and lengths then tell about contents.
    public var compression: [CompressionName]
    /// Refuses peers without strict key exchange, who are open to prefix truncation (CVE-2023-48795).
    public var requiresStrictOrder = false

    public init(
        keyExchange: [KeyExchangeMethod] = KeyExchangeMethod.allCases.filter { !$0.isLegacy },
        hostKeys: [HostKeyAlgorithm] = HostKeyAlgorithm.keys,
        ciphers: [CipherName] = CipherName.standard,
        macs: [MACName] = MACName.standard,
        compression: [CompressionName] = [.none]
    ) {
        self.keyExchange = keyExchange
        self.hostKeys = hostKeys
        self.ciphers = ciphers
        self.macs = macs
        self.compression = compression
    }

    /// Everything sound that we have, the post-quantum hybrid and AES-GCM first. A server leaves group exchange out
    /// unless it is told otherwise.
    public static let standard = AlgorithmPreferences()

    /// What stands up to the strictest audit: key exchange that a quantum computer does not undo, Ed25519, and MACs that
    /// are checked before anything is decrypted. Peers without strict key exchange are refused. For fleets whose other
    /// ends are of 2024 or later.
    public static let strict: AlgorithmPreferences = {
        var strict = AlgorithmPreferences(
            keyExchange: [.mlkem768x25519, .sntrup761x25519, .sntrup761x25519OpenSSH],
            hostKeys: [.ed25519],
            macs: MACName.standard.filter(\.isEncryptThenMAC))
        strict.requiresStrictOrder = true
        return strict
    }()

    /// The same list with the algorithms of `key` in front, so that a host with several keys proves the one that is
    /// on record instead of another one that would look like a change.
    public func preferring(hostKey key: SSHPublicKey) -> AlgorithmPreferences {
        preferring(hostKeyAlgorithms: hostKeys.filter { $0.keyFormat == key.algorithm })
    }

    /// The same list with `preferred` in front, in its order: what is on record for a host, certificates of an authority
    /// first. What was not in the list is added.
    public func preferring(hostKeyAlgorithms preferred: [HostKeyAlgorithm]) -> AlgorithmPreferences {
        var preferences = self
        var seen: Set<HostKeyAlgorithm> = []
        preferences.hostKeys = (preferred + hostKeys).filter { seen.insert($0).inserted }
        return preferences
    }
}

/// The outcome of one negotiation (RFC 4253 §7.1).
public struct NegotiatedAlgorithms: Sendable, Hashable {
    public var keyExchange: KeyExchangeMethod
    public var hostKey: HostKeyAlgorithm
    public var cipherClientToServer: CipherName
    public var cipherServerToClient: CipherName
    /// nil when the cipher authenticates by itself.
    public var macClientToServer: MACName?
    public var macServerToClient: MACName?
    /// In force from the end of authentication on.
    public var compressionClientToServer: CompressionName
    public var compressionServerToClient: CompressionName
    /// Both sides announced strict key exchange, the answer to prefix truncation ("Terrapin", CVE-2023-48795).
    public var isStrict: Bool

    public init(
        keyExchange: KeyExchangeMethod, hostKey: HostKeyAlgorithm, cipherClientToServer: CipherName,
        cipherServerToClient: CipherName, macClientToServer: MACName?, macServerToClient: MACName?,
        compressionClientToServer: CompressionName = .none, compressionServerToClient: CompressionName = .none,
        isStrict: Bool
    ) {
        self.keyExchange = keyExchange
        self.hostKey = hostKey
        self.cipherClientToServer = cipherClientToServer
        self.cipherServerToClient = cipherServerToClient
        self.macClientToServer = macClientToServer
        self.macServerToClient = macServerToClient
        self.compressionClientToServer = compressionClientToServer
        self.compressionServerToClient = compressionServerToClient
        self.isStrict = isStrict
    }

    /// Whether packets right after the first keys could be cut off unnoticed by whoever sits in between
    /// (CVE-2023-48795): the peer does not know strict key exchange, and what was agreed on binds a packet to its place
    /// by its number alone. What we receive is safe even then: filler within the first key exchange, without which there
    /// is no such cut, ends the connection.
    public var isOpenToTruncation: Bool {
        !isStrict
            && (Self.countsAlone(cipherClientToServer, macClientToServer)
                || Self.countsAlone(cipherServerToClient, macServerToClient))
    }

    private static func countsAlone(_ cipher: CipherName, _ mac: MACName?) -> Bool {
        cipher == .chacha20Poly1305 || mac?.isEncryptThenMAC == true
    }
}
