import Foundation
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import TestSupport

/// A real sshd on loopback with a configuration and keys of its own: a host to add, to test and to run sessions on.
final class HostServer: Sendable {
    let port: Int
    private let folder: String
    private let process: NIOLockedValueBox<ChildProcess>

    /// The account that the tests run as, which signs in.
    static var username: String { NSUserName() }

    private init(port: Int, folder: String, process: ChildProcess) {
        self.port = port
        self.folder = folder
        self.process = NIOLockedValueBox(process)
    }

    /// Runs an sshd around `body`.
    static func run<Result>(_ body: (HostServer) async throws -> Result) async throws -> Result {
        try await withTemporaryFolder { folder in
            let server = try await start(in: folder)
            do {
                let result = try await body(server)
                await server.stop()
                return result
            } catch {
                await server.stop()
                throw error
            }
        }
    }

    private static func start(in folder: String) async throws -> HostServer {
        let port = try await freePort()
        if getuid() == 0 {
            try? FileManager.default.createDirectory(atPath: "/run/sshd", withIntermediateDirectories: true)
        }
        try await makeHostKey(folder)
        let configuration = """
            ListenAddress 127.0.0.1:\(port)
            HostKey \(folder)/host_key
            PidFile none
            UsePAM no
            StrictModes no
            PermitRootLogin yes
            PasswordAuthentication no
            KbdInteractiveAuthentication no
            AuthorizedKeysFile \(folder)/authorized_keys
            SetEnv HOME=\(folder)
            """
        try configuration.write(toFile: folder + "/sshd_config", atomically: true, encoding: .utf8)
        return HostServer(port: port, folder: folder, process: try await launch(in: folder, port: port))
    }

    /// Starts sshd and waits until it answers.
    private static func launch(in folder: String, port: Int) async throws -> ChildProcess {
        let arguments = ["-D", "-e", "-f", folder + "/sshd_config"]
        let program = try ChildProcess("/usr/sbin/sshd", arguments, log: folder + "/log")
        let deadline = ContinuousClock.now + .seconds(20)
        while ContinuousClock.now < deadline {
            if (try? await RawConnection.open(port: port, { try await $0.bytes(4) })) != nil { return program }
            try await Task.sleep(for: .milliseconds(20))
        }
        await program.end()
        throw RawConnectionError.closedEarly
    }

    /// Lets in whoever has the key of this line.
    func allow(_ line: String) throws {
        try (line + "\n").write(toFile: folder + "/authorized_keys", atomically: true, encoding: .utf8)
    }

    /// Another host key at the same address, as after a reinstallation, or an attack.
    func changeHostKey() async throws {
        await stop()
        try FileManager.default.removeItem(atPath: folder + "/host_key")
        try await Self.makeHostKey(folder)
        let successor = try await Self.launch(in: folder, port: port)
        process.withLockedValue { $0 = successor }
    }

    private static func makeHostKey(_ folder: String) async throws {
        _ = try await runProgram("/usr/bin/ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", folder + "/host_key"])
    }

    private func stop() async {
        await process.withLockedValue { $0 }.end()
    }

    private static func freePort() async throws -> Int {
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).get()
        let port = channel.localAddress?.port ?? 0
        try await channel.close()
        return port
    }
}

extension Browser {
    /// Adds a host by the wizard's steps, with a key that the copilot makes, and lets it in there.
    /// - Returns: the host's id.
    func addHost(_ host: HostServer, alias: String) async throws -> String {
        let probe = try await json("POST", "/api/hosts/probe", #"{"address": "127.0.0.1", "port": \#(host.port)}"#)
        let added = try await json(
            "POST", "/api/hosts",
            """
            {"alias": "\(alias)", "address": "127.0.0.1", "port": \(host.port), "username": "\(HostServer.username)",
             "environment": "staging", "purpose": "tests", "tags": ["gpu"], "probeId": "\(probe["probeId"]?.text ?? "")",
             "credential": {"kind": "generated"}}
            """)
        try host.allow(added["authorizedKeysLine"]?.text ?? "")
        return added["host.id"]?.text ?? ""
    }
}
