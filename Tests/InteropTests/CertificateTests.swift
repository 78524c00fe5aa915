import Foundation
import SSH
import TestSupport
import Testing

extension InteropTests {
    @Suite struct CertificateTests {
        /// Dropbear knows no certificates.
        static let clients = Peer.clients.filter { $0 != .dropbear }
        /// libssh's and paramiko's servers know none.
        static let servers = Peer.servers.filter { [.openSSH, .asyncSSH, .go].contains($0) }
        /// libssh, paramiko and PuTTY do not check certificates of hosts by an authority that is named on a command line.
        static let checkingClients = Peer.clients.filter { [.openSSH, .asyncSSH, .go].contains($0) }

        private static func now() -> UInt64 { UInt64(Date().timeIntervalSince1970) }

        @Test("every client comes in with ssh-keygen's certificates for every kind of key", arguments: clients)
        func users(peer: Peer) async throws {
            let server = try await EngineServer(certificates: true)
            // PuTTY 0.78 signs certificates of RSA keys with SHA-1 unless the server's list says more; it reads the list.
            try await forEach(InteropKeys.kinds) { kind in
                var visit = Visit(port: server.port, login: .key(kind, certificate: "signed_user_\(kind)"))
                visit.action = .exec("echo in")
                let report = try await peer.visit(visit)
                #expect(report.text == "in\n", "\(kind): \(report.log) \(server.log)")
            }
            let identities = server.authenticated.flatMap(\.methods).compactMap { $0.identity?.certificate?.keyID }
            #expect(Set(identities) == Set(InteropKeys.kinds.map { "signed_user_\($0)" }))
        }

        @Test(
            "our client comes in with ssh-keygen's certificates everywhere, and trusts the host's", arguments: servers)
        func ourClient(peer: Peer) async throws {
            let server = try await PeerServer(peer, certificates: true)
            let keys = try await InteropKeys.get()
            let authority = try keys.publicKey("host_ca")
            try await forEach(InteropKeys.kinds) { kind in
                let certificate = try keys.certificate("signed_user_\(kind)")
                let key = try keys.privateKey("user_\(kind)")
                let connection = try await server.connect { configuration in
                    configuration.credentials = [.certificate(certificate, key)]
                    configuration.algorithms.hostKeys = HostKeyAlgorithm.certificates
                    configuration.verifyHostKey = { question in
                        guard let shown = question.identity.certificate else {
                            return .refuse(reason: "It is a bare key.")
                        }
                        do {
                            try shown.check(
                                as: .host, principal: "127.0.0.1", now: Self.now(), isTrusted: { $0 == authority })
                            return .accept
                        } catch {
                            return .refuse(reason: "\(error)")
                        }
                    }
                }
                #expect(connection.negotiated.hostKey.isCertificate)
                #expect(try await connection.run("echo in").standardOutput == Array("in\n".utf8))
                await connection.close()
            }
        }

        @Test("clients that know an authority trust our host's certificate", arguments: checkingClients)
        func hosts(peer: Peer) async throws {
            let server = try await EngineServer(certificates: true)
            try await forEach(HostKeyAlgorithm.certificates) { algorithm in
                // Go names RSA certificates by the key's type alone.
                if peer == .go, algorithm.rawValue.hasPrefix("rsa-") { return }
                var visit = Visit(port: server.port, login: .key("ed25519", certificate: "signed_user_ed25519"))
                visit.trustsAuthority = true
                visit.algorithms.hostKey = algorithm.rawValue
                visit.action = .exec("echo in")
                let report = try await peer.visit(visit)
                #expect(report.text == "in\n", "\(algorithm): \(report.log) \(server.log)")
            }
        }

        @Test(
            "certificates that are expired, of another authority, for another user, or for another address are refused")
        func refused() async throws {
            let keys = try await InteropKeys.get()
            // ssh-keygen -s CA -I ID -V TIMES -n NAME [-O source-address=NETWORK] KEY.pub
            let cases: [(name: String, authority: String, options: [String])] = [
                ("expired", "user_ca", ["-n", "tester", "-V", "-2h:-1h"]),
                ("early", "user_ca", ["-n", "tester", "-V", "+1h:+2h"]),
                ("strange", "strange_ca", ["-n", "tester"]),
                ("somebody", "user_ca", ["-n", "somebody"]),
                ("nobody", "user_ca", []),
                ("elsewhere", "user_ca", ["-n", "tester", "-O", "source-address=192.0.2.0/24"]),
            ]
            let server = try await EngineServer(certificates: true)
            for (name, authority, options) in cases {
                try await keys.certify(authority, options, "user_ed25519", name)
                var visit = Visit(port: server.port, login: .key("ed25519", certificate: name))
                visit.action = .exec("echo in")
                #expect(try await Peer.openSSH.visit(visit).isGood == false, "\(name)")
            }
            #expect(server.authenticated.isEmpty)
            try await keys.certify(
                "user_ca", ["-n", "tester", "-O", "source-address=127.0.0.0/8"], "user_ed25519", "here")
            var visit = Visit(port: server.port, login: .key("ed25519", certificate: "here"))
            visit.action = .exec("echo in")
            #expect(try await Peer.openSSH.visit(visit).text == "in\n")
        }

        @Test("sshd lets in by a certificate of ours, and ssh-keygen reads every field of it")
        func ours() async throws {
            let keys = try await InteropKeys.get()
            let server = try await PeerServer(.openSSH, certificates: true)
            let authority = try keys.privateKey("user_ca")
            for kind in InteropKeys.kinds {
                let contents = CertificateContents(
                    publicKey: try keys.publicKey("user_\(kind)"), type: .user, keyID: "of ours",
                    principals: [server.user, "ada"], serial: 4711, validAfter: Self.now() - 60,
                    validBefore: Self.now() + 3600, extensions: .allPermissions)
                let certificate = try SSHCertificate.issue(contents, signedBy: authority)
                try keys.folder.write(
                    "\(certificate.algorithm) \(Data(certificate.blob).base64EncodedString()) ours\n",
                    to: "ours_\(kind)-cert.pub")
                let told = try await ChildProcess.tool(
                    "/usr/bin/ssh-keygen", ["-L", "-f", keys.file("ours_\(kind)-cert.pub")])
                for line in ["Key ID: \"of ours\"", "Serial: 4711", "ada", "permit-pty", "user certificate"] {
                    #expect(told.contains(line), "\(kind): \(told)")
                }
                #expect(told.contains(authority.publicKey.fingerprint))
                let key = try keys.privateKey("user_\(kind)")
                let connection = try await server.connect { $0.credentials = [.certificate(certificate, key)] }
                #expect(try await connection.run("true").exit == CommandResult.Exit.status(0))
                await connection.close()
            }
        }

        @Test("our server refuses what ssh-keygen's revocation list names, by key, serial and identity")
        func revoked() async throws {
            let keys = try await InteropKeys.get()
            let work = try TemporaryFolder()
            try await keys.certify("user_ca", ["-n", "tester", "-z", "77"], "user_ecdsa256", "numbered")
            try work.write("serial: 77\nid: signed_user_rsa\n", to: "spec")
            // ssh-keygen -k -f LIST -s CA.pub SPEC KEY.pub
            try await ChildProcess.tool(
                "/usr/bin/ssh-keygen",
                [
                    "-q", "-k", "-f", work.file("krl"), "-s", keys.file("user_ca.pub"), work.file("spec"),
                    keys.file("user_ed25519.pub"),
                ])
            let server = try await EngineServer(
                certificates: true, revoked: try KeyRevocationList(file: try work.read("krl")))
            for (kind, certificate, isGood) in [
                ("ed25519", "signed_user_ed25519", false), ("rsa", "signed_user_rsa", false),
                ("ecdsa256", "numbered", false), ("ecdsa256", "signed_user_ecdsa256", true),
                ("ecdsa384", "signed_user_ecdsa384", true),
            ] {
                var visit = Visit(port: server.port, login: .key(kind, certificate: certificate))
                visit.action = .exec("true")
                #expect(try await Peer.openSSH.visit(visit).isGood == isGood, "\(certificate)")
            }
        }

        @Test("ssh-keygen finds in our revocation list what we wrote into it")
        func ourList() async throws {
            let keys = try await InteropKeys.get()
            let work = try TemporaryFolder()
            var list = KeyRevocationList(version: 3, comment: "ours")
            list.revoke(try keys.publicKey("user_ed25519"))
            list.revoke(try keys.certificate("signed_user_ecdsa256"))
            list.revoke(keyID: "signed_user_rsa", authority: try keys.publicKey("user_ca"))
            try Data(list.file).write(to: URL(fileURLWithPath: work.file("krl")))
            for (name, isRevoked) in [
                ("user_ed25519.pub", true), ("signed_user_ecdsa256-cert.pub", true), ("signed_user_rsa-cert.pub", true),
                ("user_rsa.pub", false), ("signed_user_ecdsa384-cert.pub", false),
            ] {
                // ssh-keygen -Q -f LIST FILE ends with 1 when something is revoked.
                let result = try await ChildProcess.run(
                    "/usr/bin/ssh-keygen", ["-Q", "-f", work.file("krl"), keys.file(name)])
                #expect((result.status != 0) == isRevoked, "\(name): \(result.text) \(result.errors)")
            }
        }
    }
}
