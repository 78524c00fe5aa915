import NIOCore
import NIOPosix
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
        var handlers = SSHServerHandlers { request, _ in
            guard case .publicKey(let identity, _, _) = request.method else { return .refuse }
            return identity.publicKey == userKey ? .accept : .refuse
        }
        let reaper = ProcessReaper()
        let files = try RootedFileSystem(root: "/")
        handlers.sessionDelegate = { session in
            if session.info.program == .subsystem("sftp") { return ServedFiles(session, files) }
            return ServedProgram(session, reaper)
        }
        handlers.forwarding = .allowed
        let server = try await SSHServer.start(
            on: .tcp(host: "127.0.0.1", port: 0), configuration: configuration, handlers: handlers)
        report("\(server.port)")
        await server.waitUntilClosed()
    }
}

/// The engine's SFTP server on a session's channel. Loop-bound.
final class ServedFiles: SSHServerSessionDelegate, SFTPByteChannel {
    private let session: SSHServerSessionChannel
    private let files: RootedFileSystem
    private var server: SFTPServer?

    init(_ session: SSHServerSessionChannel, _ files: RootedFileSystem) {
        self.session = session
        self.files = files
    }

    func sessionStarted(_ session: SSHServerSessionChannel) { server = SFTPServer(channel: self, fileSystem: files) }

    func session(_ session: SSHServerSessionChannel, received data: ByteBuffer) { server?.received(data) }

    func sessionEndOfFile(_ session: SSHServerSessionChannel) { server?.inputEnded() }

    func session(_ session: SSHServerSessionChannel, writabilityChanged isWritable: Bool) {
        if isWritable { server?.writabilityChanged() }
    }

    func session(_ session: SSHServerSessionChannel, closed error: SSHError?) {
        server?.closed()
        server = nil
    }

    // MARK: SFTPByteChannel

    var eventLoop: any EventLoop { session.connection.eventLoop }

    var isWritable: Bool { session.isWritable }

    func write(_ data: ByteBuffer) -> Bool { session.write(data) }

    func consumed(_ bytes: Int) { session.consumed(bytes) }

    func close() { session.exit(.status(0)) }
}
