import Foundation
import SSH
import TestSupport
import Testing

extension InteropTests {
    /// Every method, cipher, MAC, host key and user key that a peer has at least once, data both ways through each.
    /// `COPILOT_LONG_TESTS=1` lets every method meet every cipher with every MAC.
    @Suite struct AlgorithmTests {
        private static let sent = 200_000

        @Test("our client agrees with every server on all that both have", arguments: Peer.servers)
        func ourClient(peer: Peer) async throws {
            let rows = CoveringSet.rows(try await peer.features(.server), serving: false)
            try #require(!rows.isEmpty)
            let keys = try await InteropKeys.get()
            let bytes = Array(try await Noise.bytes(megabytes: 1).prefix(Self.sent))
            for group in Self.groups(rows, of: peer) {
                let server = try await PeerServer(peer, Self.offer(group))
                // AsyncSSH's connections share one key, which signs as the latest of them agreed: rsa-sha2-256 where another
                // one was promised rsa-sha2-512. So its connections come one by one.
                try await forEach(group, width: peer == .asyncSSH ? 1 : 3) { row in
                    do {
                        let connection = try await server.connect {
                            $0.algorithms = try row.preferences
                            let kind = InteropKeys.kind(row.userKey ?? "")
                            $0.credentials = [.privateKey(try keys.privateKey("user_\(kind)"))]
                        }
                        #expect(connection.negotiated.agrees(with: row), "\(row)")
                        let result = try await connection.run("cat; exit 7", stdin: bytes)
                        #expect(result.standardOutput.count == bytes.count, "\(row)")
                        #expect(sha256(result.standardOutput) == sha256(bytes), "\(row)")
                        #expect(result.exit == .status(7), "\(row)")
                        await connection.close()
                    } catch {
                        Issue.record("\(peer) as server, \(row): \(error) \(server.log.suffix(500))")
                    }
                }
            }
        }

        @Test("every client agrees with our server on all that both have", arguments: Peer.clients)
        func ourServer(peer: Peer) async throws {
            let rows = CoveringSet.rows(try await peer.features(.client), serving: true)
            try #require(!rows.isEmpty)
            let folder = try TemporaryFolder()
            let bytes = Array(try await Noise.bytes(megabytes: 1).prefix(Self.sent))
            try Data(bytes).write(to: URL(fileURLWithPath: folder.file("input")))
            try await forEach(rows) { row in
                do {
                    // Not every client can be told what to choose: the server leaves it no choice.
                    let preferences = try row.preferences
                    let server = try await EngineServer { configuration, _ in
                        configuration.core.algorithms = preferences
                        configuration.core.allowsGroupExchange = true
                    }
                    var visit = Visit(port: server.port, algorithms: row)
                    visit.login = .key(InteropKeys.kind(row.userKey ?? ""))
                    visit.input = folder.file("input")
                    visit.action = .exec("cat; exit 7")
                    let report = try await peer.visit(visit)
                    #expect(report.hash == sha256(bytes), "\(row): \(report.log) \(server.log)")
                    #expect(report.status == 7, "\(row): \(report.log) \(server.log)")
                    #expect(server.negotiated(visit.user)?.agrees(with: row) == true, "\(row)")
                } catch {
                    Issue.record("\(peer) as client, \(row): \(error)")
                }
            }
        }

        /// A share or a secret that begins with a zero byte comes up once in 256 times.
        @Test(
            "hundreds of key exchanges of each method agree", .enabled(if: CoveringSet.isLong, "takes minutes"),
            arguments: Peer.servers)
        func manyExchanges(peer: Peer) async throws {
            let methods = try await peer.features(.server).kex.filter { KeyExchangeMethod(rawValue: $0) != nil }
            let server = try await PeerServer(peer, PeerServer.Offer(kex: methods))
            try await forEach(methods) { method in
                let count = method.contains("group1") || method.contains("exchange") ? 20 : 600
                for index in 0..<count {
                    do {
                        let connection = try await server.connect {
                            $0.algorithms.keyExchange = try Algorithms(kex: method).preferences.keyExchange
                        }
                        await connection.close()
                    } catch {
                        Issue.record(
                            "\(peer) as server, \(method), number \(index): \(error) \(server.log.suffix(500))")
                    }
                }
            }
        }

        /// libssh's server has one ECDSA key at a time.
        private static func groups(_ rows: [Algorithms], of peer: Peer) -> [[Algorithms]] {
            guard peer == .libssh else { return [rows] }
            let curves = Set(rows.compactMap(\.hostKey).filter { $0.hasPrefix("ecdsa") }).sorted()
            return curves.map { curve in
                rows.filter { row in
                    let isElliptic = row.hostKey?.hasPrefix("ecdsa") == true
                    return row.hostKey == curve || (curve == curves.first && !isElliptic)
                }
            }
        }

        /// What a server has to be told so that it offers old algorithms, too.
        private static func offer(_ rows: [Algorithms]) -> PeerServer.Offer {
            func all(_ value: KeyPath<Algorithms, String?>) -> [String] {
                Set(rows.compactMap { $0[keyPath: value] }).sorted()
            }
            return PeerServer.Offer(
                kex: all(\.kex), ciphers: all(\.cipher), macs: all(\.mac), hostKeys: all(\.hostKey))
        }
    }
}

extension Algorithms {
    /// These alone; what is not named stays as it is.
    var preferences: AlgorithmPreferences {
        get throws {
            var preferences = AlgorithmPreferences.standard
            if let kex { preferences.keyExchange = [try #require(KeyExchangeMethod(rawValue: kex))] }
            if let cipher { preferences.ciphers = [try #require(CipherName(rawValue: cipher))] }
            if let mac { preferences.macs = [try #require(MACName(rawValue: mac))] }
            if let hostKey { preferences.hostKeys = [try #require(HostKeyAlgorithm(rawValue: hostKey))] }
            return preferences
        }
    }
}

extension NegotiatedAlgorithms {
    func agrees(with row: Algorithms) -> Bool {
        let isAEAD = cipherClientToServer.isAEAD
        return row.kex.map { $0 == keyExchange.rawValue } ?? true
            && row.cipher.map { $0 == cipherClientToServer.rawValue && $0 == cipherServerToClient.rawValue } ?? true
            && row.mac.map { isAEAD || ($0 == macClientToServer?.rawValue && $0 == macServerToClient?.rawValue) }
                ?? true
            && row.hostKey.map { $0 == hostKey.rawValue } ?? true
    }
}
