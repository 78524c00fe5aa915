// RFC 4253 §7.1: for each kind of algorithm the first one on the client's list that the server has too.

import SSHCrypto

struct Negotiation {
    /// Names that stand in the list of key exchange methods and are none (RFC 8308 §2.1, OpenSSH's PROTOCOL §1.10).
    enum Marker {
        static let extensionInfoClient = "ext-info-c"
        static let extensionInfoServer = "ext-info-s"
        static let strictClient = "kex-strict-c-v00@openssh.com"
        static let strictServer = "kex-strict-s-v00@openssh.com"

        static let all = [extensionInfoClient, extensionInfoServer, strictClient, strictServer]

        /// What we put into our first KEXINIT.
        static func own(_ role: ConnectionRole) -> [String] {
            role == .client ? [extensionInfoClient, strictClient] : [extensionInfoServer, strictServer]
        }

        static func strict(ofPeer role: ConnectionRole) -> String {
            role == .client ? strictServer : strictClient
        }

        static func extensionInfo(ofPeer role: ConnectionRole) -> String {
            role == .client ? extensionInfoServer : extensionInfoClient
        }
    }

    var algorithms: NegotiatedAlgorithms
    /// The peer sent a guess along that is wrong: its next packet is to be ignored.
    var ignoresNextPacket: Bool

    /// - Parameters:
    ///   - role: Ours.
    ///   - preferences: What we offered.
    ///   - peer: What the peer offered.
    ///   - isStrict: Settled in the first exchange of a connection and kept.
    init(
        role: ConnectionRole, _ preferences: AlgorithmPreferences, peer: KeyExchangeInit, isStrict: Bool
    ) throws(ProtocolError) {
        let chooser = Chooser(role: role)
        let keyExchange = try chooser.choose(
            "key exchange method", preferences.keyExchange, peer.keyExchange)
        let hostKey = try chooser.choose("host key algorithm", preferences.hostKeys, peer.hostKeys)
        let up = try chooser.choose(
            "cipher from client to server", preferences.ciphers, peer.ciphersClientToServer)
        let down = try chooser.choose(
            "cipher from server to client", preferences.ciphers, peer.ciphersServerToClient)
        // A cipher that authenticates by itself leaves no MAC to agree on, even if the lists have nothing in common.
        var upMAC: MACName?
        if !up.isAEAD {
            upMAC = try chooser.choose("MAC from client to server", preferences.macs, peer.macsClientToServer)
        }
        var downMAC: MACName?
        if !down.isAEAD {
            downMAC = try chooser.choose("MAC from server to client", preferences.macs, peer.macsServerToClient)
        }
        let upCompression = try chooser.choose(
            "compression from client to server", preferences.compression, peer.compressionClientToServer)
        let downCompression = try chooser.choose(
            "compression from server to client", preferences.compression, peer.compressionServerToClient)

        algorithms = NegotiatedAlgorithms(
            keyExchange: keyExchange, hostKey: hostKey, cipherClientToServer: up, cipherServerToClient: down,
            macClientToServer: upMAC, macServerToClient: downMAC,
            compressionClientToServer: upCompression, compressionServerToClient: downCompression, isStrict: isStrict)
        // RFC 4253 §7: a guess is right when both sides prefer the same method and the same host key algorithm.
        let isRightGuess =
            peer.keyExchange.first == preferences.keyExchange.first?.rawValue
            && peer.hostKeys.first == preferences.hostKeys.first?.rawValue
        ignoresNextPacket = peer.firstPacketFollows && !isRightGuess
    }

    private struct Chooser {
        let role: ConnectionRole

        func choose<Algorithm: RawRepresentable<String>>(
            _ kind: String, _ ours: [Algorithm], _ theirs: [String]
        ) throws(ProtocolError) -> Algorithm {
            // No algorithm of ours has the name of a marker.
            switch role {
            case .client:
                if let algorithm = ours.first(where: { theirs.contains($0.rawValue) }) { return algorithm }
            case .server:
                for name in theirs {
                    if let algorithm = ours.first(where: { $0.rawValue == name }) { return algorithm }
                }
            }
            throw mismatch(kind, ours.map(\.rawValue), theirs.filter { !Marker.all.contains($0) })
        }

        private func mismatch(_ kind: String, _ ours: [String], _ theirs: [String]) -> ProtocolError {
            let offered = DisplayText.neutralise(theirs.joined(separator: ", "), limit: 1000)
            var error = ProtocolError(
                .noCommonAlgorithm,
                "There is no common \(kind): the host offers \(offered), and we offer \(ours.joined(separator: ", ")).",
                reason: .keyExchangeFailed)
            error.mismatch = AlgorithmMismatch(
                kind: kind, ours: ours, theirs: theirs.prefix(64).map { DisplayText.neutralise($0, limit: 64) })
            return error
        }
    }
}
