// What we offer in SSH_MSG_KEXINIT (RFC 4253 §7.1), best first, and what both sides agreed on.

public import SSHCrypto
public import SSHKeys

/// The signature algorithms a host may prove its key with (RFC 4253 §6.6, RFC 5656, RFC 8332, RFC 8709).
public enum HostKeyAlgorithm: String, CaseIterable, Sendable, Hashable {
    case ed25519 = "ssh-ed25519"
    case ecdsaP256 = "ecdsa-sha2-nistp256"
    case ecdsaP384 = "ecdsa-sha2-nistp384"
    case ecdsaP521 = "ecdsa-sha2-nistp521"
    case rsaSHA512 = "rsa-sha2-512"
    case rsaSHA256 = "rsa-sha2-256"

    /// The key format that belongs to it: both RSA algorithms sign with an "ssh-rsa" key (RFC 8332 §3).
    public var keyFormat: String {
        switch self {
        case .rsaSHA512, .rsaSHA256: "ssh-rsa"
        default: rawValue
        }
    }
}

/// What is offered to the peer, each list best first.
public struct AlgorithmPreferences: Sendable, Hashable {
    public var keyExchange: [KeyExchangeMethod]
    public var hostKeys: [HostKeyAlgorithm]
    public var ciphers: [CipherName]
    public var macs: [MACName]

    public init(
        keyExchange: [KeyExchangeMethod] = KeyExchangeMethod.standard,
        hostKeys: [HostKeyAlgorithm] = HostKeyAlgorithm.allCases,
        ciphers: [CipherName] = CipherName.standard,
        macs: [MACName] = MACName.standard
    ) {
        self.keyExchange = keyExchange
        self.hostKeys = hostKeys
        self.ciphers = ciphers
        self.macs = macs
    }

    /// Everything we have, the post-quantum hybrid and AES-GCM first.
    public static let standard = AlgorithmPreferences()

    /// The same list with the algorithms of `key` in front, so that a host with several keys proves the one that is
    /// on record instead of another one that would look like a change.
    public func preferring(hostKey key: SSHPublicKey) -> AlgorithmPreferences {
        var preferences = self
        let own = hostKeys.filter { $0.keyFormat == key.algorithm }
        preferences.hostKeys = own + hostKeys.filter { $0.keyFormat != key.algorithm }
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
    /// Both sides announced strict key exchange, the answer to prefix truncation ("Terrapin", CVE-2023-48795).
    public var isStrict: Bool

    public init(
        keyExchange: KeyExchangeMethod, hostKey: HostKeyAlgorithm, cipherClientToServer: CipherName,
        cipherServerToClient: CipherName, macClientToServer: MACName?, macServerToClient: MACName?, isStrict: Bool
    ) {
        self.keyExchange = keyExchange
        self.hostKey = hostKey
        self.cipherClientToServer = cipherClientToServer
        self.cipherServerToClient = cipherServerToClient
        self.macClientToServer = macClientToServer
        self.macServerToClient = macServerToClient
        self.isStrict = isStrict
    }
}
