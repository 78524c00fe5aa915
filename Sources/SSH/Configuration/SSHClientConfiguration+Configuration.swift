import SSHCrypto
public import SSHKeys
public import SSHProtocol

extension SSHConfiguration {
    /// Where to connect.
    public var endpoint: SSHEndpoint { SSHEndpoint(host: hostName, port: port) }

    /// The engine's usual algorithms, changed as `Ciphers`, `MACs`, `KexAlgorithms` and `HostKeyAlgorithms` say.
    ///
    /// What a list names and the engine cannot do is left out. Throws `noUsableAlgorithm` if nothing is left.
    public func algorithmPreferences(
        from usual: AlgorithmPreferences = .standard
    ) throws(SSHConfigurationError) -> AlgorithmPreferences {
        var preferences = usual
        preferences.ciphers = try select(.ciphers, usual.ciphers, CipherName.allCases)
        preferences.macs = try select(.macs, usual.macs, MACName.allCases)
        preferences.keyExchange = try select(.kexAlgorithms, usual.keyExchange, KeyExchangeMethod.allCases)
        preferences.hostKeys = try select(.hostKeyAlgorithms, usual.hostKeys, HostKeyAlgorithm.allCases)
        // Slow links gain by it, and whoever sets it says that this is one.
        if isCompressed { preferences.compression = [.zlib, .none] }
        return preferences
    }

    private func select<Name: RawRepresentable>(
        _ keyword: ConfigurationKeyword, _ usual: [Name], _ known: [Name]
    ) throws(SSHConfigurationError) -> [Name] where Name.RawValue == String {
        guard let specification = algorithms(keyword) else { return usual }
        let names = specification.applied(to: usual.map(\.rawValue), known: known.map(\.rawValue))
        guard !names.isEmpty else {
            throw SSHConfigurationError(
                .noUsableAlgorithm, "\(keyword.rawValue) names nothing that this program can do.",
                hint: "Add one of: \(known.map(\.rawValue).joined(separator: ", ")).", place: place(of: keyword))
        }
        return names.compactMap { Name(rawValue: $0) }
    }
}

extension SSHClientConfiguration {
    /// What a configuration says about a connection: user, algorithms, times, limits.
    ///
    /// - Parameters:
    ///   - configuration: Resolved for the host.
    ///   - credentials: The proofs to try, for example from ``SSHConfiguration/identities(passphrase:)``.
    ///   - verifyHostKey: Compares the host's key with what is on record.
    public init(
        _ configuration: SSHConfiguration, credentials: [SSHCredential],
        verifyHostKey: @escaping @Sendable (HostKeyQuestion) async -> HostKeyAnswer
    ) throws(SSHConfigurationError) {
        self.init(username: configuration.user, credentials: credentials, verifyHostKey: verifyHostKey)
        algorithms = try configuration.algorithmPreferences()
        if let timeout = configuration.connectTimeout, timeout > .zero {
            connectTimeout = timeout
            handshakeTimeout = timeout
        }
        keepaliveInterval = configuration.serverAliveInterval
        keepaliveCountMax = configuration.serverAliveCountMax
        let limit = configuration.rekeyLimit
        if let bytes = limit.bytes { rekey.bytes = UInt64(clamping: bytes) }
        if let interval = limit.interval { rekey.interval = interval }
    }
}

extension SSHConfiguration {
    /// A private key file that the configuration names, and what became of it.
    public struct Identity: Sendable {
        public var path: String
        public var key: Result<SSHPrivateKey, SSHKeyError>
    }

    /// Reads the identity files that exist, in order. Blocks, and decrypting takes a while: keep it off event loops.
    ///
    /// - Parameter passphrase: Asked for a file that is encrypted; nil leaves the file closed.
    public func identities(
        passphrase: (_ path: String) -> [UInt8]? = { _ in nil }
    ) throws(SSHConfigurationError) -> [Identity] {
        var identities: [Identity] = []
        for path in try identityFiles() {
            guard let content = try? ConfigurationFile.content(path, limit: SSHPrivateKey.maximumFileLength) else {
                continue
            }
            identities.append(Identity(path: path, key: Self.read(content, path, passphrase)))
        }
        return identities
    }

    private static func read(
        _ content: [UInt8], _ path: String, _ passphrase: (String) -> [UInt8]?
    ) -> Result<SSHPrivateKey, SSHKeyError> {
        do throws(SSHKeyError) {
            return .success(try SSHPrivateKey(file: content))
        } catch {
            guard error.code == .passphraseRequired, let secret = passphrase(path) else { return .failure(error) }
            return Result { () throws(SSHKeyError) in try SSHPrivateKey(file: content, passphrase: secret) }
        }
    }
}
