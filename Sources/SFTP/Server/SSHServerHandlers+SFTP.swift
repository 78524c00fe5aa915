public import NIOCore
public import SSH
public import SSHProtocol

extension SSHServerHandlers {
    /// Serves the subsystem "sftp", on the connection's loop and without a task in between. Middleware does not go about
    /// it; what a client may do is a matter of `configuration`.
    ///
    /// ```swift
    /// let files = try RootedFileSystem(root: "/srv/share")
    /// handlers.serveFiles { _ in files }
    /// ```
    ///
    /// - Parameters:
    ///   - configuration: What clients may do, and with how much.
    ///   - fileSystem: What a user gets; nil leaves the session to the other handlers.
    public mutating func serveFiles(
        configuration: SFTPServerConfiguration = SFTPServerConfiguration(),
        _ fileSystem: @escaping @Sendable (AuthenticatedUser) -> (any SFTPFileSystem)?
    ) {
        let others = sessionDelegate
        sessionDelegate = { session in
            guard session.info.program == .subsystem("sftp"), let files = fileSystem(session.info.user) else {
                return others?(session)
            }
            return FileSession(session, files, configuration)
        }
    }
}

/// An SFTP server on a session's channel, for owners that decide session by session. Loop-bound.
public final class FileSession: SSHServerSessionDelegate, SFTPByteChannel {
    private let session: SSHServerSessionChannel
    private let fileSystem: any SFTPFileSystem
    private let configuration: SFTPServerConfiguration
    private var server: SFTPServer?

    public init(
        _ session: SSHServerSessionChannel, _ fileSystem: any SFTPFileSystem, _ configuration: SFTPServerConfiguration
    ) {
        self.session = session
        self.fileSystem = fileSystem
        self.configuration = configuration
    }

    public func sessionStarted(_ session: SSHServerSessionChannel) {
        server = SFTPServer(channel: self, fileSystem: fileSystem, configuration: configuration)
    }

    public func session(_ session: SSHServerSessionChannel, received data: ByteBuffer) {
        guard let server else { return session.consumed(data.readableBytes) }
        server.received(data)
    }

    public func sessionEndOfFile(_ session: SSHServerSessionChannel) { server?.inputEnded() }

    public func session(_ session: SSHServerSessionChannel, writabilityChanged isWritable: Bool) {
        if isWritable { server?.writabilityChanged() }
    }

    public func session(_ session: SSHServerSessionChannel, closed error: SSHError?) {
        server?.closed()
        server = nil
    }

    // MARK: The stream of the server

    public var eventLoop: any EventLoop { session.connection.eventLoop }

    public var isWritable: Bool { session.isWritable }

    public func write(_ data: ByteBuffer) -> Bool { session.write(data) }

    public func consumed(_ bytes: Int) { session.consumed(bytes) }

    public func close() { session.exit(.status(0)) }
}
