import Foundation
import SSH
import SSHTestSupport
import TestSupport

/// AsyncSSH's server, in a Python environment under the build folder. It speaks what Debian's sshd does not:
/// mlkem768x25519-sha256, and rounds of questions.
final class AsyncSSHServer: Sendable {
    static let python = Task<String, any Error> {
        let build = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent(".build/interop-python")
            .path
        let python = build + "/bin/python"
        if (try? await ChildProcess.tool(python, ["-c", "import asyncssh"])) == nil {
            try await ChildProcess.tool("/usr/bin/python3", ["-m", "venv", build])
            try await ChildProcess.tool(python, ["-m", "pip", "--quiet", "install", "asyncssh==2.24.1"])
        }
        return python
    }

    static var isPossible: Bool { get async { (try? await python.value) != nil } }

    let port: Int
    let process: ChildProcess
    private let folder: TemporaryFolder

    var endpoint: SSHEndpoint { SSHEndpoint(host: "127.0.0.1", port: port) }

    /// - Parameters:
    ///   - mode: "password", "questions" (two rounds), or "key".
    ///   - options: Keyword arguments for `asyncssh.listen`, in Python.
    init(_ mode: String = "key", options: String = "") async throws {
        folder = try TemporaryFolder()
        port = try await freePort()
        let keys = try await TestKeys.folder()
        try folder.write(Self.program(options), to: "server.py")
        process = try ChildProcess(
            try await Self.python.value,
            [
                folder.file("server.py"), "\(port)", keys.file("host_ed25519"), keys.file("authorized_keys"), mode,
            ], log: folder.file("log"))
        guard try await eventually(within: 20, { [process] in process.text.contains("ready") || !process.isRunning }),
            process.isRunning
        else { throw ToolFailure(description: "AsyncSSH did not start: \(process.text)") }
    }

    private static func program(_ options: String) -> String {
        """
        import asyncio, asyncssh, sys
        port, key, authorized, mode = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]

        class Server(asyncssh.SSHServer):
            def connection_made(self, connection):
                self.connection = connection
            def begin_auth(self, username):
                self.connection.send_auth_banner("Welcome \\x1b[31mto all\\n")
                return True
            def password_auth_supported(self):
                return mode == "password"
            def validate_password(self, username, password):
                return password == "correct horse 42"
            def kbdint_auth_supported(self):
                return mode in ("one question", "questions")
            def get_kbdint_challenge(self, username, lang, submethods):
                return ("Login", "Answer", "", [("Password: ", False)])
            def validate_kbdint_response(self, username, responses):
                if mode == "one question" or responses == ["123456", "blue"]:
                    return responses in (["correct horse 42"], ["123456", "blue"])
                if responses == ["correct horse 42"]:
                    return ("More", "", "", [("Code: ", False), ("Colour: ", True)])
                return False

        async def handle(process):
            process.stdout.write(await process.stdin.read())
            process.exit(5)

        async def main():
            await asyncssh.listen("127.0.0.1", port, server_factory=Server, server_host_keys=[key],
                                  authorized_client_keys=authorized if mode == "key" else None,
                                  process_factory=handle, encoding=None, allow_pty=False\(options.isEmpty ? "" : ", ")\(options))
            print("ready", flush=True)
            await asyncio.Event().wait()

        asyncio.run(main())
        """
    }
}
