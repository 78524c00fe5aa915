// RFC 4253 §7.1: for each kind of algorithm the first one on the client's list that the server has too.

import SSHCrypto

struct Negotiation {
    /// Names that stand in the list of key exchange methods and are none (RFC 8308 §2.1, OpenSSH's PROTOCOL §1.10).
    enum Marker {
        static let extensionInfoClient = "ext-info-c"
        static let extensionInfoServer = "ext-info-s"
        static let strictClient = "kex-strict-c-v00@openssh.com"
        static let strictServer = "kex-strict-s-v00@openssh.com"
    }

    var algorithms: NegotiatedAlgorithms
    /// The peer sent a guess along that is wrong: its next packet is to be ignored.
    var ignoresNextPacket: Bool

    /// - Parameters:
    ///   - preferences: What we, the client, offered.
    ///   - server: What the server offered.
    ///   - isStrict: Settled in the first exchange of a connection and kept.
    init(
        client preferences: AlgorithmPreferences, server: KeyExchangeInit, isStrict: Bool
    ) throws(ProtocolError) {
        let keyExchange = try Self.choose(
            "key exchange method", preferences.keyExchange, \.rawValue, server.keyExchange)
        let hostKey = try Self.choose("host key algorithm", preferences.hostKeys, \.rawValue, server.hostKeys)
        let outbound = try Self.choose(
            "cipher from client to server", preferences.ciphers, \.rawValue, server.ciphersClientToServer)
        let inbound = try Self.choose(
            "cipher from server to client", preferences.ciphers, \.rawValue, server.ciphersServerToClient)
        // A cipher that authenticates by itself leaves no MAC to agree on, even if the lists have nothing in common.
        var outboundMAC: MACName?
        if !outbound.isAEAD {
            outboundMAC = try Self.choose(
                "MAC from client to server", preferences.macs, \.rawValue, server.macsClientToServer)
        }
        var inboundMAC: MACName?
        if !inbound.isAEAD {
            inboundMAC = try Self.choose(
                "MAC from server to client", preferences.macs, \.rawValue, server.macsServerToClient)
        }
        _ = try Self.choose("compression", ["none"], \.self, server.compressionClientToServer)
        _ = try Self.choose("compression", ["none"], \.self, server.compressionServerToClient)

        algorithms = NegotiatedAlgorithms(
            keyExchange: keyExchange, hostKey: hostKey, cipherClientToServer: outbound, cipherServerToClient: inbound,
            macClientToServer: outboundMAC, macServerToClient: inboundMAC, isStrict: isStrict)
        // RFC 4253 §7: a guess is right when both sides prefer the same method and the same host key algorithm.
        let isRightGuess =
            server.keyExchange.first == preferences.keyExchange.first?.rawValue
            && server.hostKeys.first == preferences.hostKeys.first?.rawValue
        ignoresNextPacket = server.firstPacketFollows && !isRightGuess
    }

    private static func choose<Algorithm>(
        _ kind: String, _ ours: [Algorithm], _ name: (Algorithm) -> String, _ theirs: [String]
    ) throws(ProtocolError) -> Algorithm {
        for candidate in ours where theirs.contains(name(candidate)) { return candidate }
        let markers = [
            Marker.extensionInfoClient, Marker.extensionInfoServer, Marker.strictClient, Marker.strictServer,
        ]
        let offered = theirs.filter { !markers.contains($0) }.joined(separator: ", ")
        throw ProtocolError(
            .noCommonAlgorithm,
            "There is no common \(kind): the host offers \(DisplayText.neutralise(offered, limit: 1000)), "
                + "and we offer \(ours.map(name).joined(separator: ", ")).",
            reason: .keyExchangeFailed)
    }
}
