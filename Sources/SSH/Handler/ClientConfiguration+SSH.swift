import NIOCore
import SSHCrypto
import SSHProtocol

extension ClientConfiguration {
    /// The part of a client's configuration that the core needs; closures stay here.
    init(_ configuration: SSHClientConfiguration) {
        self.init(username: configuration.username)
        credentials = configuration.credentials.compactMap { credential in
            switch credential {
            case .privateKey(let key): .privateKey(key)
            case .certificate(let certificate, let key): .certificate(certificate, key)
            case .external(let identity, _): .external(identity)
            case .password(let password): .password(password)
            case .askedPassword: .askedPassword
            case .keyboardInteractive: .keyboardInteractive
            // `withAgentKeys` has put the agent's keys in its place.
            case .agent: nil
            }
        }
        algorithms = configuration.algorithms
        rekey = configuration.rekey
        handshakeTimeout = TimeAmount(configuration.handshakeTimeout)
        keepaliveInterval = TimeAmount(configuration.keepaliveInterval)
        keepaliveCountMax = configuration.keepaliveCountMax
        maximumChannels = configuration.maximumChannels
        idleTimeout = configuration.idleTimeout.map { TimeAmount($0) }
        learnsHostKeys = configuration.hostKeysOffered != nil
        knownHostKeys = configuration.knownHostKeys
        signsFirst = configuration.signsFirst
        changesExpiredPasswords = configuration.changePassword != nil
    }
}

/// The system's generator, injected into the core.
enum SystemRandom {
    static func bytes(_ count: Int) -> [UInt8] { randomBytes(count) }
}
