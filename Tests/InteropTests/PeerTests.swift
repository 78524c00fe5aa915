import Foundation
import SSHTestSupport
import Testing

extension InteropTests {
    /// The peers themselves, against OpenSSH in both directions: what fails later is the engine's fault.
    @Suite struct PeerTests {
        @Test("OpenSSH is here", .enabled(if: Peer.openSSH.obstacle == nil, "\(Peer.openSSH.obstacle ?? "")"))
        func openSSH() async throws { try await check(.openSSH) }

        @Test("Dropbear is here", .enabled(if: Peer.dropbear.obstacle == nil, "\(Peer.dropbear.obstacle ?? "")"))
        func dropbear() async throws { try await check(.dropbear) }

        @Test(
            "Dropbear can serve here",
            .enabled(if: Peer.servers.contains(.dropbear), "\(AccountNamespace.obstacle ?? "")"))
        func dropbearServer() async throws { try await checkServer(.dropbear) }

        @Test("PuTTY is here", .enabled(if: Peer.putty.obstacle == nil, "\(Peer.putty.obstacle ?? "")"))
        func putty() async throws { try await check(.putty) }

        @Test("libssh works with OpenSSH", .enabled(if: Peer.libssh.obstacle == nil, "\(Peer.libssh.obstacle ?? "")"))
        func libssh() async throws {
            try await check(.libssh)
            try await checkServer(.libssh)
        }

        @Test(
            "paramiko works with OpenSSH",
            .enabled(if: Peer.paramiko.obstacle == nil, "\(Peer.paramiko.obstacle ?? "")"))
        func paramiko() async throws {
            try await check(.paramiko)
            try await checkServer(.paramiko)
        }

        @Test(
            "AsyncSSH works with OpenSSH",
            .enabled(if: Peer.asyncSSH.obstacle == nil, "\(Peer.asyncSSH.obstacle ?? "")"))
        func asyncSSH() async throws {
            try await check(.asyncSSH)
            try await checkServer(.asyncSSH)
        }

        @Test("Go works with OpenSSH", .enabled(if: Peer.go.obstacle == nil, "\(Peer.go.obstacle ?? "")"))
        func go() async throws {
            try await check(.go)
            try await checkServer(.go)
        }

        /// The peer's client with sshd.
        private func check(_ peer: Peer) async throws {
            guard Peer.openSSH.obstacle == nil else { return }
            let server = try await PeerServer(.openSSH)
            var visit = Visit(port: server.port, user: server.user)
            visit.input = try await Noise.file(megabytes: 1)
            visit.action = .exec("cat; exit 7")
            let report = try await peer.visit(visit)
            #expect(report.hash == (try await Noise.hash(megabytes: 1)), "\(report.log) \(server.log)")
            #expect(report.status == 7)
        }

        /// OpenSSH's client with the peer's server.
        private func checkServer(_ peer: Peer) async throws {
            guard Peer.openSSH.obstacle == nil else { return }
            let server = try await PeerServer(peer)
            var visit = Visit(port: server.port, user: server.user)
            visit.input = try await Noise.file(megabytes: 1)
            visit.action = .exec("cat; exit 7")
            let report = try await Peer.openSSH.visit(visit)
            #expect(report.hash == (try await Noise.hash(megabytes: 1)), "\(report.log) \(server.log)")
            #expect(report.status == 7)
        }
    }
}
