import Foundation
import NIOConcurrencyHelpers
import SSH
import SSHKeys
import Testing

@testable import SSHTools

/// Answers in order, and keeps what was asked.
final class ScriptedQuestions: PersonQuestions {
    private let answers: NIOLockedValueBox<[String]>
    let asked = NIOLockedValueBox<[PersonPrompt]>([])

    init(_ answers: [String]) { self.answers = NIOLockedValueBox(answers) }

    func answer(_ prompt: PersonPrompt) async -> String? {
        asked.withLockedValue { $0.append(prompt) }
        return answers.withLockedValue { $0.isEmpty ? nil : $0.removeFirst() }
    }

    func tell(_ text: String) async {}

    var texts: [String] { asked.withLockedValue { $0.map(\.text) } }
}

@Suite("The question about a host's key")
struct HostKeyCheckTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "host-key-\(UUID().uuidString)")
    private let key = SSHPrivateKey.generateEd25519().publicKey

    private var file: String { folder.appending(path: "known_hosts").path }

    init() throws { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) }

    private func verify(
        _ answers: [String], options: [String] = [], key: SSHPrivateKey? = nil, host: String = "web-1", port: Int = 22
    ) async throws -> (HostKeyAnswer, ScriptedQuestions) {
        let questions = ScriptedQuestions(answers)
        let configuration = try SSHConfiguration.resolve(
            host: host, port: port,
            options: options + ["UserKnownHostsFile=\(file)", "GlobalKnownHostsFile=none"], files: .none)
        let check = try HostKeyCheck(configuration, questions, ConnectionLog(.quiet))
        let answer = await check.verify(
            HostKeyQuestion(
                publicKey: key?.publicKey ?? self.key, algorithm: "ssh-ed25519",
                endpoint: SSHEndpoint(host: host, port: port), remoteAddress: "192.0.2.7"))
        return (answer, questions)
    }

    private func content() -> String { (try? String(contentsOfFile: file, encoding: .utf8)) ?? "" }

    private func cleanUp() { try? FileManager.default.removeItem(at: folder) }

    @Test("yes puts a new key on record, and the next time nobody is asked")
    func yes() async throws {
        defer { cleanUp() }
        let (answer, questions) = try await verify(["yes"])
        #expect(answer == .accept)
        #expect(questions.texts.first?.contains(key.fingerprint) == true)
        #expect(questions.texts.first?.hasSuffix("(yes/no/[fingerprint])? ") == true)
        #expect(content().hasPrefix("web-1 ssh-ed25519 "))
        let (again, silent) = try await verify([])
        #expect(again == .accept)
        #expect(silent.texts.isEmpty)
    }

    @Test("the fingerprint itself is an answer; another one is not, and is asked about again")
    func fingerprint() async throws {
        defer { cleanUp() }
        let (answer, questions) = try await verify(["SHA256:nonsense", "y", key.fingerprint])
        #expect(answer == .accept)
        #expect(questions.texts.count == 3)
        #expect(questions.texts.last == "Please type 'yes', 'no' or the fingerprint: ")
    }

    @Test("no, and nobody to ask, refuse; nothing is recorded", arguments: [["no"], []])
    func refused(_ answers: [String]) async throws {
        defer { cleanUp() }
        let (answer, _) = try await verify(answers)
        #expect(answer != .accept)
        #expect(content().isEmpty)
    }

    @Test("the picture is shown where VisualHostKey says so")
    func picture() async throws {
        defer { cleanUp() }
        let (_, questions) = try await verify(["no"], options: ["VisualHostKey=yes"])
        #expect(questions.texts.first?.contains(key.randomart) == true)
    }

    @Test("a changed key is refused in every mode, and nobody is asked", arguments: ["yes", "ask", "accept-new", "no"])
    func changed(_ mode: String) async throws {
        defer { cleanUp() }
        _ = try await verify(["yes"])
        let (answer, questions) = try await verify(
            ["yes"], options: ["StrictHostKeyChecking=\(mode)"], key: SSHPrivateKey.generateEd25519())
        guard case .refuse(let reason) = answer else {
            Issue.record("a changed key was accepted")
            return
        }
        #expect(reason.hasPrefix("Host key verification failed"))
        #expect(questions.texts.isEmpty)
    }

    @Test("a new key is refused with StrictHostKeyChecking yes and in batch mode, taken with accept-new and with no")
    func modes() async throws {
        defer { cleanUp() }
        #expect(try await verify(["yes"], options: ["StrictHostKeyChecking=yes"]).0 != .accept)
        #expect(try await verify(["yes"], options: ["BatchMode=yes"]).0 != .accept)
        #expect(content().isEmpty)
        #expect(try await verify([], options: ["StrictHostKeyChecking=accept-new"]).0 == .accept)
        #expect(try await verify([], options: ["StrictHostKeyChecking=no"], host: "web-2", port: 2222).0 == .accept)
        #expect(content().contains("[web-2]:2222 ssh-ed25519 "))
    }

    @Test("HashKnownHosts hides the name")
    func hashed() async throws {
        defer { cleanUp() }
        #expect(try await verify(["yes"], options: ["HashKnownHosts=yes"]).0 == .accept)
        #expect(content().hasPrefix("|1|"))
        #expect(try await verify([]).0 == .accept)
    }

    @Test("a name that is known under another one is said to be so")
    func otherNames() async throws {
        defer { cleanUp() }
        _ = try await verify(["yes"], host: "web-1")
        let (_, questions) = try await verify(["no"], host: "alias")
        #expect(questions.texts.first?.contains("known_hosts:1: web-1") == true)
    }
}
