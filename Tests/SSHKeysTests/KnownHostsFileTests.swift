import Foundation
import SSHKeys
import Testing

/// known_hosts on disk, together with ssh-keygen's -F, -H and -R.
@Suite struct KnownHostsFileTests {
    let bench: Workbench
    let file: KnownHostsFile
    let key = SSHPrivateKey.generateEd25519().publicKey
    let other = SSHPrivateKey.generateEd25519().publicKey

    init() throws {
        bench = try Workbench()
        file = KnownHostsFile(path: bench.directory.appending(path: "known_hosts").path)
    }

    private func isKnown(_ host: String, port: Int = 22) throws -> Bool {
        if case .known = try file.read().lookup(host: host, port: port, offered: .key(key), now: 0) { return true }
        return false
    }

    private func keygenFinds(_ host: String) async throws -> Bool {
        try await bench.run("ssh-keygen", ["-F", host, "-f", "known_hosts"]).output.contains("found")
    }

    @Test("a file that is not there is empty; what is added, plain or hashed, we and ssh-keygen find")
    func add() async throws {
        #expect(try file.read().entries.isEmpty)
        try file.add(host: "Web.Example.org", port: 22, key: key, comment: "first")
        try file.add(host: "web", port: 2222, key: key, isHashed: true)
        try file.add(host: "2001:db8::1", port: 22, key: key, isHashed: true)
        #expect(try isKnown("web.example.org"))
        #expect(try isKnown("web", port: 2222))
        #expect(try isKnown("2001:DB8::1"))
        #expect(try !isKnown("web"))
        for host in ["web.example.org", "[web]:2222", "2001:db8::1"] { #expect(try await keygenFinds(host), "\(host)") }
        #expect(try await !keygenFinds("web"))
        let mode = try FileManager.default.attributesOfItem(atPath: file.path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
    }

    @Test("a file whose last line has no line feed does not swallow the new line")
    func lineFeed() throws {
        try bench.write("known_hosts", Array("db \(other.authorizedKeysLine())".utf8))
        try file.add(host: "web", port: 22, key: key)
        #expect(try file.read().entries.count == 2)
        #expect(try isKnown("web"))
    }

    @Test("hashes that ssh-keygen -H makes are matched, and ours by ssh-keygen")
    func hashes() async throws {
        let line = key.authorizedKeysLine()
        try bench.write(
            "known_hosts", Array("web,[web]:2222,10.0.0.1 \(line)\n*.org \(line)\n@revoked x \(line)\n".utf8))
        try await bench.require("ssh-keygen", ["-H", "-f", "known_hosts"])
        for (host, port) in [("web", 22), ("WEB", 2222), ("10.0.0.1", 22), ("a.org", 22)] {
            #expect(try isKnown(host, port: port), "\(host)")
        }
        try bench.write("known_hosts", Array("# mine\nweb,[web]:2222 \(line)\n*.org \(line)\nbroken line\n".utf8))
        try file.hash()
        let text = try bench.text("known_hosts")
        #expect(text.hasPrefix("# mine\n|1|") && !text.contains("web") && text.contains("*.org ssh-ed25519"))
        #expect(text.hasSuffix("\nbroken line\n"))
        #expect(try isKnown("web") && isKnown("web", port: 2222) && isKnown("a.org"))
        for host in ["web", "[web]:2222"] { #expect(try await keygenFinds(host), "\(host)") }
    }

    @Test("removing a host leaves every other line as it was, and other names of its line")
    func remove() throws {
        let line = key.authorizedKeysLine(comment: "c")
        let kept = "# a comment\n\n*.example.org \(line)\n@cert-authority web \(line)\nbroken\n[web]:2222 \(line)\n"
        let hashed = try KnownHosts.line(host: "web", port: 22, key: key, isHashed: true)
        try bench.write("known_hosts", Array((kept + "web,db \(line)\n\(hashed)\nWEB \(line)\n").utf8))
        #expect(try file.remove(host: "web", port: 22) == 3)
        #expect(try bench.text("known_hosts") == kept + "db \(line)\n")
        #expect(try file.remove(host: "web", port: 22) == 0)
    }

    @Test("the keys that a host proved take the place of those it had")
    func update() throws {
        let old = other.authorizedKeysLine()
        try bench.write("known_hosts", Array("web,db \(old)\n@cert-authority * \(old)".utf8))
        try file.update(host: "web", port: 22, keys: [key, try SSHPrivateKey.generate(.ecdsa(.p256)).publicKey])
        #expect(try isKnown("web"))
        #expect(try file.read().keyTypes(host: "web", port: 22) == ["ssh-ed25519", "ecdsa-sha2-nistp256"])
        #expect(try file.read().keyTypes(host: "db", port: 22) == ["ssh-ed25519"])
        #expect(try bench.text("known_hosts").contains("\n@cert-authority * \(old)\n"))
    }

    @Test("a rewrite keeps the permissions and the link, and leaves no other file behind")
    func rewrite() throws {
        let line = key.authorizedKeysLine()
        try bench.write("real", Array("web \(line)\ndb \(line)\n".utf8))
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o644], ofItemAtPath: bench.directory.appending(path: "real").path)
        try FileManager.default.createSymbolicLink(
            atPath: file.path, withDestinationPath: bench.directory.appending(path: "real").path)
        try file.remove(host: "web", port: 22)
        #expect(try bench.text("real") == "db \(line)\n")
        let attributes = try FileManager.default.attributesOfItem(atPath: file.path)
        #expect(attributes[.type] as? FileAttributeType == .typeSymbolicLink)
        let real = try FileManager.default.attributesOfItem(atPath: bench.directory.appending(path: "real").path)
        #expect(real[.posixPermissions] as? Int == 0o644)
        #expect(
            Set(try FileManager.default.contentsOfDirectory(atPath: bench.directory.path)) == ["real", "known_hosts"])
    }

    @Test(
        "names that known_hosts would take for patterns, markers or several are not written",
        arguments: [
            "", "a,b", "*", "we?", "!web", "|1|x", "@revoked", "#web", "a b", "web\n", "w\u{e9}b", "a\u{a0}b",
        ])
    func names(_ host: String) {
        for isHashed in [false, true] {
            #expect(refusal { try file.add(host: host, port: 22, key: key, isHashed: isHashed) } != nil)
        }
        #expect(!FileManager.default.fileExists(atPath: file.path))
    }

    @Test("a place that can't be written to is an error that names it")
    func unwritable() {
        let error = refusal {
            try KnownHostsFile(path: "/nonexistent/known_hosts").add(host: "web", port: 22, key: key)
        }
        #expect(error?.code == .fileFailure)
        #expect(error?.description.contains("/nonexistent/known_hosts") == true)
    }

    @Test("ten writers at once lose no line")
    func writers() async throws {
        let (file, key) = (file, key)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<10 {
                group.addTask { try file.add(host: "host\(number)", port: 22, key: key) }
            }
            try await group.waitForAll()
        }
        #expect(try file.read().entries.count == 10)
        #expect(try file.read().problems.isEmpty)
    }
}
