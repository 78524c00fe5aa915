import SFTP
import SSH

/// `engine-bench serve --host-key FILE --user-key FILE.pub`: prints its port and serves until it is told to stop.
enum BenchServer {
    static func serve(_ arguments: Arguments) async throws {
        let hostKey = try SSHPrivateKey(file: try contents(of: arguments.text("host-key")))
        let line = String(decoding: try contents(of: arguments.text("user-key")), as: UTF8.self)
        let userKey = try SSHPublicKey(authorizedKeysLine: line)

        var configuration = SSHServerConfiguration(hostKeys: [HostKey(privateKey: hostKey)])
        configuration.core.maximumChannels = 10_000
        configuration.core.maximumSessions = 10_000
        configuration.penalties = nil
        configuration.startups = StartupLimits(start: 1000, rate: 30, full: 2000, perSource: 2000)
        var handlers = SSHServerHandlers { _, _ in .refuse }
        handlers.authorizeAtOnce = { request, _ in
            guard case .publicKey(let identity, _, _) = request.method else { return .refuse }
            return identity.publicKey == userKey ? .accept : .refuse
        }
        let reaper = ProcessReaper()
        let files = try RootedFileSystem(root: "/")
        handlers.sessionDelegate = { session in ServedProgram(session, reaper) }
        handlers.serveFiles { _ in files }
        handlers.forwarding = .allowed
        let server = try await SSHServer.start(
            on: .tcp(host: "127.0.0.1", port: 0), configuration: configuration, handlers: handlers)
        report("\(server.port)")
        await server.waitUntilClosed()
    }
}
