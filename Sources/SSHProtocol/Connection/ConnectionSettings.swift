import NIOCore

/// What both roles need to know, whatever configuration it came from.
struct ConnectionSettings {
    var identification: String
    var algorithms: AlgorithmPreferences
    var rekey: RekeyPolicy
    var handshakeTimeout: TimeAmount
    /// Whether questions to the owner stop the clock of the handshake: a person compares a fingerprint for as long as it
    /// takes, a user at the door does not get more time by being asked about.
    var questionsStopTheClock: Bool
    var keyExchangeTimeout: TimeAmount
    var keepaliveInterval: TimeAmount
    var keepaliveCountMax: Int
    var idleTimeout: TimeAmount?
    var maximumChannels: Int

    init(_ client: ClientConfiguration) {
        identification = client.identification
        algorithms = client.algorithms
        rekey = client.rekey
        handshakeTimeout = client.handshakeTimeout
        questionsStopTheClock = true
        keyExchangeTimeout = client.keyExchangeTimeout
        keepaliveInterval = client.keepaliveInterval
        keepaliveCountMax = client.keepaliveCountMax
        idleTimeout = client.idleTimeout
        maximumChannels = client.maximumChannels
    }

    init(_ server: ServerConfiguration) {
        identification = server.identification
        algorithms = server.offeredAlgorithms
        rekey = server.rekey
        handshakeTimeout = TimeAmount(server.loginGraceTime)
        questionsStopTheClock = false
        keyExchangeTimeout = TimeAmount(server.keyExchangeTimeout)
        keepaliveInterval = TimeAmount(server.keepaliveInterval)
        keepaliveCountMax = server.keepaliveCountMax
        idleTimeout = server.idleTimeout.map { TimeAmount($0) }
        maximumChannels = server.maximumChannels
    }
}
