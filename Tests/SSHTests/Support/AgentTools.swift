import Foundation
import SSH
import TestSupport

/// Runs a program with variables of its own and brings back how it ended.
struct ToolOutcome {
    var status: Int32
    var output: String

    init(_ program: String, _ arguments: [String], environment: [String] = []) async throws {
        let folder = try TemporaryFolder()
        let ended = try await ChildProcess.run(
            "/usr/bin/env", environment + [program] + arguments, log: folder.file("log"), within: 20)
        (status, output) = (ended.status, ended.text)
    }
}

/// A real ssh-agent with a socket of its own.
final class RealAgent: Sendable {
    let socket: String
    private let folder: TemporaryFolder
    private let process: ChildProcess

    init(_ options: [String] = []) async throws {
        folder = try TemporaryFolder()
        socket = folder.file("agent")
        process = try ChildProcess("/usr/bin/ssh-agent", ["-D", "-a", socket] + options, log: folder.file("log"))
        let socket = socket
        // The file is there before anybody listens.
        let answers = try await eventually {
            let client = SSHAgentClient(socketPath: socket)
            defer { client.close() }
            return (try? await client.identities()) != nil
        }
        guard answers else {
            throw ToolFailure(description: "ssh-agent did not start: \(process.text)")
        }
    }

    func add(_ arguments: [String], environment: [String] = []) async throws -> ToolOutcome {
        try await ToolOutcome("/usr/bin/ssh-add", arguments, environment: ["SSH_AUTH_SOCK=" + socket] + environment)
    }
}

extension TemporaryFolder {
    /// A script that answers every question of OpenSSH's tools: with a text, or with yes or no by its exit status.
    func askpass(_ answer: String, status: Int32 = 0) throws -> [String] {
        try write("#!/bin/sh\nprintf '%s\\n' '\(answer)'\nexit \(status)\n", to: "askpass", mode: 0o700)
        return ["SSH_ASKPASS=" + file("askpass"), "SSH_ASKPASS_REQUIRE=force", "DISPLAY=none"]
    }
}
