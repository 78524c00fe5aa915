import Foundation
import NIOCore
import SSH
import Testing

@testable import SSHTools

@Suite("A call that comes before its caller has read a configuration")
struct KeeperCallTests {
    private let environment = ["HOME": "/nonexistent", "LC_TEST": "sent"]

    /// Where the process listens that keeps the connection which these words mean.
    private func path(_ words: [String]) throws -> String {
        let line = try SSHCommandLine(words)
        var context = ConfigurationContext.current()
        context.environment = { environment[$0] }
        return try "/run/copilot/" + KeeperSocket.name(StandaloneBackend(context: context).settings(of: line.request))
    }

    private func taken(_ words: [String], by kept: [String]? = nil) throws -> KeeperMessage.Beginning? {
        KeeperCall(words: words, environment: environment).beginning(for: try path(kept ?? words))
    }

    @Test("a command is taken, with the variables of its caller")
    func command() throws {
        let words = ["-F", "none", "--reuse", "-o", "SendEnv=LC_*", "somewhere", "echo", "a  b"]
        guard case .session(let plan)? = try taken(words)?.work else {
            Issue.record("the call was declined")
            return
        }
        #expect(plan.program == .command("echo a  b"))
        #expect(plan.environment == [.init(name: "LC_TEST", value: "sent")])
        #expect(plan.terminal == nil)
    }

    @Test(
        "what depends on more than words and variables is declined",
        arguments: [
            ["-F", "none", "--reuse", "somewhere"],
            ["-F", "none", "--reuse", "-tt", "somewhere", "true"],
            ["-F", "none", "somewhere", "true"],
            ["-F", "none", "--reuse", "-v", "somewhere", "true"],
            ["-F", "none", "--reuse", "-E", "log", "somewhere", "true"],
            ["-F", "none", "--reuse", "-f", "somewhere", "true"],
            ["-F", "none", "--reuse", "-X", "somewhere", "true"],
            ["-F", "none", "--reuse", "-L", "8080:localhost:80", "somewhere", "true"],
            ["-F", "none", "--reuse", "-W", "localhost:80", "somewhere"],
            ["-F", "none", "--reuse", "-N", "somewhere"],
        ])
    func declined(_ words: [String]) throws {
        #expect(try taken(words) == nil)
    }

    @Test("another connection's process declines")
    func another() throws {
        let words = ["-F", "none", "--reuse", "somewhere", "true"]
        #expect(try taken(words) != nil)
        #expect(try taken(words, by: ["-F", "none", "--reuse", "elsewhere", "true"]) == nil)
        #expect(try taken(words, by: ["-F", "none", "--reuse", "-l", "ada", "somewhere", "true"]) == nil)
    }

    @Test("wrong words, and a file that is not there, are the caller's to tell")
    func wrong() throws {
        let path = "/run/copilot/ssh-0"
        for words in [[], ["--reuse"], ["--reuse=x", "h", "true"], ["-F", "file", "--reuse", "h", "true"]] {
            #expect(KeeperCall(words: words, environment: [:]).beginning(for: path) == nil)
        }
    }

    @Test("a program of the configuration is never run in the caller's place")
    func programs() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("keeper-call-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (file, mark) = (folder.appendingPathComponent("config").path, folder.appendingPathComponent("mark").path)
        try "Match exec \"touch \(mark)\"\n User ada\n".write(toFile: file, atomically: true, encoding: .utf8)
        let call = KeeperCall(words: ["-F", file, "--reuse", "somewhere", "true"], environment: environment)
        #expect(call.beginning(for: try path(["-F", "none", "--reuse", "somewhere", "true"])) == nil)
        #expect(!FileManager.default.fileExists(atPath: mark))
    }

    @Test("words and variables come out as they went in")
    func roundTrip() throws {
        var bytes = KeeperMessage.call(KeeperCall(words: ["-p", "22", "ä b", ""], environment: environment)).encoded()
        guard case .call(let call)? = try KeeperMessage.next(&bytes) else {
            Issue.record("another message came out")
            return
        }
        #expect(call.words == ["-p", "22", "ä b", ""])
        #expect(call.environment == environment)
        #expect(bytes.readableBytes == 0)
    }

    @Test("the first variable of a name counts")
    func variables() {
        let call = KeeperCall(words: [], entries: ["A=1", "A=2", "B=x=y", "broken"])
        #expect(call.environment == ["A": "1", "B": "x=y"])
    }
}
