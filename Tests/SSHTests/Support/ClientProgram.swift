import Foundation
import SSH

/// Runs a client of somebody else to its end, with its three streams in files.
struct ClientProgram: Sendable {
    struct Result: Sendable {
        var status: Int32
        var output: [UInt8]
        var errors: String

        var text: String { String(decoding: output, as: UTF8.self) }
    }

    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// - Parameter script: For /bin/sh.
    func run(_ script: String, input: [UInt8] = [], within seconds: Double = 60) async throws -> Result {
        let name = UUID().uuidString
        try Data(input).write(to: URL(fileURLWithPath: folder.file(name + ".in")))
        let process = try start(
            "{ \(script)\n} <\(folder.file(name + ".in")) >\(folder.file(name + ".out")) 2>\(folder.file(name + ".err"))"
        )
        guard try await eventually(within: seconds, { !process.isRunning }) else {
            let errors = (try? String(contentsOfFile: folder.file(name + ".err"), encoding: .utf8)) ?? ""
            throw ToolFailure(description: "it did not end: \(script)\n\(errors.suffix(2000))")
        }
        return Result(
            status: process.status ?? -1, output: try folder.read(name + ".out"),
            errors: String(decoding: try folder.read(name + ".err"), as: UTF8.self))
    }

    func start(_ script: String) throws -> ChildProcess {
        try ChildProcess("/bin/sh", ["-c", script], log: folder.file("log"))
    }

    /// OpenSSH's client with nothing of this machine's configuration.
    func openSSH(_ server: OurServer, _ options: String = "") throws -> String {
        "/usr/bin/ssh \(options) \(try openSSHOptions()) -p \(server.port) 127.0.0.1"
    }

    func openSSHOptions() throws -> String {
        "-F /dev/null -i \(try TestKeys.folder().file("user_ed25519")) -o StrictHostKeyChecking=no"
            + " -o UserKnownHostsFile=/dev/null -o IdentitiesOnly=yes -o BatchMode=yes -o LogLevel=ERROR"
    }
}
