import SSHCrypto
public import SSHKeys

/// A key that a server proves itself with.
public struct HostKey: Sendable {
    public var privateKey: SSHPrivateKey
    /// Vouches for the key to clients that know its authority; the key works without it, too.
    public var certificate: SSHCertificate?

    public init(privateKey: SSHPrivateKey, certificate: SSHCertificate? = nil) {
        self.privateKey = privateKey
        self.certificate = certificate
    }

    /// What it can be proved with.
    func proves(with algorithm: HostKeyAlgorithm) -> Bool {
        provenFormats.contains { $0.isCertificate == algorithm.isCertificate && $0.name == algorithm.keyFormat }
    }

    /// Formats of key and certificate that stand for it.
    var provenFormats: [(name: String, isCertificate: Bool)] {
        let publicKey = privateKey.publicKey
        var formats = [(name: publicKey.algorithm, isCertificate: false)]
        // A certificate for another key would be proved with nothing.
        if let certificate, certificate.publicKey == publicKey { formats.append((certificate.algorithm, true)) }
        return formats
    }

    /// What stands for it in an exchange with `algorithm`.
    func identity(for algorithm: HostKeyAlgorithm) -> PublicIdentity {
        guard algorithm.isCertificate, let certificate else { return .key(privateKey.publicKey) }
        return .certificate(certificate)
    }
}

extension ServerConfiguration {
    /// The preferences as far as there are host keys for them. Certificates need not be named: who gives us one wants it
    /// shown to whoever can read it.
    var offeredAlgorithms: AlgorithmPreferences {
        var offered = algorithms
        // Once for all algorithms: this is part of what each connection costs.
        let formats = hostKeys.flatMap(\.provenFormats)
        var certificates: [HostKeyAlgorithm] = []
        if formats.contains(where: \.isCertificate) {
            certificates = HostKeyAlgorithm.certificates.filter { certificate in
                algorithms.hostKeys.contains { $0.rawValue == certificate.signatureAlgorithm }
            }
        }
        var seen: Set<HostKeyAlgorithm> = []
        offered.hostKeys = (certificates + algorithms.hostKeys).filter { algorithm in
            formats.contains { $0.isCertificate == algorithm.isCertificate && $0.name == algorithm.keyFormat }
                && seen.insert(algorithm).inserted
        }
        if !allowsGroupExchange { offered.keyExchange.removeAll(where: \.isGroupExchange) }
        return offered
    }
}
