import Foundation
import TestSupport
import Testing

/// Runs the real tools that our keys must agree with, each in a directory of its own.
final class Workbench: Sendable {
    private let folder: TemporaryFolder
    /// What the tools read and wrote on their standard streams, out of the directory that they work in.
    private let streams: TemporaryFolder

    var directory: URL { URL(fileURLWithPath: folder.path) }

    init() throws { (folder, streams) = (try TemporaryFolder(), try TemporaryFolder()) }

    struct Outcome {
        let status: Int32
        let output: String
    }

    /// Runs a program of PATH in the directory and waits for it.
    func run(_ program: String, _ arguments: [String], input: [UInt8] = []) async throws -> Outcome {
        let name = UUID().uuidString
        try Data(input).write(to: URL(fileURLWithPath: streams.file(name)))
        let ended = try await ChildProcess.run(
            "/usr/bin/env", [program] + arguments, input: streams.file(name), log: streams.file(name + ".log"),
            directory: folder.path)
        return Outcome(status: ended.status, output: ended.text)
    }

    /// Runs a program that must succeed; gives what it printed.
    @discardableResult
    func require(_ program: String, _ arguments: [String]) async throws -> String {
        let outcome = try await run(program, arguments)
        try #require(outcome.status == 0, "\(program) \(arguments): \(outcome.output)")
        return outcome.output
    }

    /// Makes a key pair `name` and `name.pub` with ssh-keygen, one round of bcrypt to be quick.
    func keygen(
        _ kind: KeyKind, _ name: String = "key", passphrase: String = "", comment: String = "test", extra: [String] = []
    ) async throws {
        try await require(
            "ssh-keygen",
            ["-q", "-t", kind.type, "-b", kind.bits, "-N", passphrase, "-C", comment, "-a", "1", "-f", name] + extra)
    }

    func read(_ name: String) throws -> [UInt8] { Array(try Data(contentsOf: directory.appending(path: name))) }

    func text(_ name: String) throws -> String { String(decoding: try read(name), as: UTF8.self) }

    func write(_ name: String, _ content: [UInt8]) throws {
        let file = directory.appending(path: name)
        try Data(content).write(to: file)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file.path)
    }
}

/// The kinds of keys that ssh-keygen makes and we use.
struct KeyKind: Sendable, CustomTestStringConvertible {
    let type: String
    let bits: String

    static let all = [ed25519] + ecdsa + [rsa, KeyKind(type: "rsa", bits: "3072")]
    static let ed25519 = KeyKind(type: "ed25519", bits: "256")
    static let ecdsa = ["256", "384", "521"].map { KeyKind(type: "ecdsa", bits: $0) }
    static let rsa = KeyKind(type: "rsa", bits: "2048")

    var testDescription: String { type + bits }
}
