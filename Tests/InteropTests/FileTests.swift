import Foundation
import SFTP
import SSH
import TestSupport
import Testing

extension InteropTests {
    /// SFTP and the old scp by everybody who has them.
    @Suite struct FileTests {
        static let clients = Peer.clients.filter { $0 != .dropbear }

        @Test("our SFTP client works with every server: there, back, listed, renamed, removed", arguments: Peer.servers)
        func ourClient(peer: Peer) async throws {
            let server = try await PeerServer(peer)
            let connection = try await server.connect()
            let files = try await connection.sftp()
            let work = try SharedFolder()
            let noise = try await Noise.file(megabytes: 4)
            let (there, back) = (RemotePath(work.file("there")), work.file("back"))

            try await files.upload(noise, to: there)
            #expect(try await files.attributes(of: there).size == 4 << 20)
            try await files.download(there, to: back)
            #expect(try Noise.hash(of: back) == (try await Noise.hash(megabytes: 4)))
            try await files.makeDirectory(RemotePath(work.file("folder")))
            var names: [String] = []
            for try await entry in files.list(RemotePath(work.path)) { names.append("\(entry.name)") }
            #expect(names.sorted() == ["back", "folder", "there"])
            try await files.rename(there, to: RemotePath(work.file("folder/moved")))
            try await files.remove(RemotePath(work.file("folder/moved")))
            try await files.removeDirectory(RemotePath(work.file("folder")))
            let error = await #expect(throws: SFTPError.self) { _ = try await files.attributes(of: there) }
            #expect(error?.code == .noSuchFile)
            await files.close()
            await connection.close()
        }

        @Test("every SFTP client works with our server: there, back, listed", arguments: clients)
        func ourServer(peer: Peer) async throws {
            let server = try await EngineServer()
            let work = try SharedFolder()
            let noise = try await Noise.file(megabytes: 4)
            let hash = try await Noise.hash(megabytes: 4)
            var visit = Visit(port: server.port)
            visit.action = .put(local: noise, remote: work.file("there"))
            let put = try await peer.visit(visit)
            #expect(put.isGood, "\(put.log) \(server.log)")
            #expect(try Noise.hash(of: work.file("there")) == hash, "\(put.log) \(server.log)")
            visit.action = .get(remote: work.file("there"), local: work.file("back"))
            let get = try await peer.visit(visit)
            #expect(get.isGood, "\(get.log) \(server.log)")
            #expect(try Noise.hash(of: work.file("back")) == hash, "\(get.log) \(server.log)")
            visit.action = .list(work.path)
            let list = try await peer.visit(visit)
            #expect(list.names == ["back", "there"], "\(list.log) \(server.log)")
            visit.action = .get(remote: work.file("missing"), local: work.file("none"))
            #expect(try await peer.visit(visit).isGood == false)
        }

        @Test(
            "scp of OpenSSH copies a tree to our server and back by the old protocol and by SFTP",
            arguments: ["-O", "-s"])
        func scp(option: String) async throws {
            let server = try await EngineServer()
            let work = try SharedFolder()
            try work.makeTree("tree")
            let options = try await StandardClient.openSSHOptions(Visit(port: server.port))
            let place = "\(InteropKeys.user)@127.0.0.1:\(work.path)"
            for (from, to) in [(work.file("tree"), "\(place)/there"), ("\(place)/there", work.file("back"))] {
                let result = try await ChildProcess.run(
                    "/usr/bin/scp", ["-q", "-r", "-p", option] + options + ["-P", "\(server.port)", from, to])
                #expect(result.status == 0, "\(result.errors) \(server.log)")
            }
            try await work.expectSame("tree", "there")
            try await work.expectSame("tree", "back")
        }

        @Test(
            "pscp copies to our server and back by either protocol",
            .enabled(if: ChildProcess.find("pscp") != nil, "needs putty-tools"), arguments: ["-scp", "-sftp"])
        func pscp(option: String) async throws {
            let server = try await EngineServer()
            let work = try SharedFolder()
            let keys = try await InteropKeys.get()
            try work.makeTree("tree")
            // puttygen KEY -o KEY.ppk
            try await ChildProcess.tool("/usr/bin/puttygen", [keys.file("user_ed25519"), "-o", work.file("key.ppk")])
            let options = [
                "-batch", "-q", "-r", "-p", "-noagent", option, "-P", "\(server.port)", "-i", work.file("key.ppk"),
                "-hostkey",
                try keys.publicKey("host_ed25519").fingerprint,
            ]
            let place = "\(InteropKeys.user)@127.0.0.1:\(work.path)"
            // By SFTP it copies into folders that are there alone, also with OpenSSH.
            for folder in ["there", "back"] {
                try FileManager.default.createDirectory(
                    atPath: work.file(folder), withIntermediateDirectories: false)
            }
            for (from, to) in [(work.file("tree"), "\(place)/there"), ("\(place)/there/tree", work.file("back"))] {
                let result = try await ChildProcess.run(
                    "/usr/bin/pscp", options + [from, to],
                    environment: ["HOME": work.path, "PUTTYDIR": work.file(".putty")])
                #expect(result.status == 0, "\(result.text) \(result.errors) \(server.log)")
            }
            try await work.expectSame("tree", "there/tree")
            try await work.expectSame("tree", "back/tree")
        }

        @Test(
            "our scp copies to sshd's scp and back", .enabled(if: Peer.openSSH.obstacle == nil, "needs openssh-server"))
        func ourSCP() async throws {
            let server = try await PeerServer(.openSSH)
            let work = try SharedFolder()
            try work.makeTree("tree")
            let connection = try await server.connect()
            var options = SCPOptions()
            options.isRecursive = true
            options.preserves = true
            try await connection.scpUpload(work.file("tree"), to: RemotePath(work.file("there")), options: options)
            try await connection.scpDownload(RemotePath(work.file("there")), to: work.file("back"), options: options)
            try await work.expectSame("tree", "there")
            try await work.expectSame("tree", "back")
            await connection.close()
        }
    }
}

/// A folder that every account of the machine may use.
struct SharedFolder {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: folder.path)
    }

    var path: String { folder.path }

    func file(_ name: String) -> String { folder.file(name) }

    /// Folders, an empty file, a larger one, and names with blanks and quotes.
    func makeTree(_ name: String) throws {
        try folder.write("", to: "\(name)/empty", mode: 0o600)
        try folder.write("#!/bin/sh\n", to: "\(name)/a program's name", mode: 0o755)
        try folder.write(String(repeating: "line\n", count: 100_000), to: "\(name)/deep/er/large", mode: 0o644)
    }

    func expectSame(_ left: String, _ right: String) async throws {
        let result = try await ChildProcess.run("/usr/bin/diff", ["-r", file(left), file(right)])
        #expect(result.status == 0, "\(result.text) \(result.errors)")
    }
}
