import NIOConcurrencyHelpers
public import NIOCore
public import NIOPosix
public import SSHKeys

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A unix socket on which an agent of ours listens, until it is closed or nobody holds it any more.
public final class AgentListener: Sendable {
    /// What `SSH_AUTH_SOCK` is to be set to.
    public let path: String
    private let channel: any Channel
    private let connections: NIOLockedValueBox<[ObjectIdentifier: any Channel]>

    init(path: String, channel: any Channel, connections: NIOLockedValueBox<[ObjectIdentifier: any Channel]>) {
        self.path = path
        self.channel = channel
        self.connections = connections
    }

    deinit { end() }

    /// Connections that stand now.
    public var connectionCount: Int { connections.withLockedValue { $0.count } }

    /// Stops listening, ends every connection and removes the socket.
    public func close() async {
        end()
        try? await channel.closeFuture.get()
    }

    private func end() {
        guard channel.isActive else { return }
        unlink(path)
        channel.close(promise: nil)
        for connection in connections.withLockedValue({ Array($0.values) }) { connection.close(promise: nil) }
    }
}

extension SSHAgentServer {
    /// Listens on a unix socket that only this user and root can reach.
    ///
    /// - Parameters:
    ///   - path: The folder is made if need be; it must belong to this user alone (mode 0700). The socket gets mode 0600.
    ///   - maximumConnections: At once; more are closed as they come.
    ///   - messageTimeout: For a message that has begun. A silent connection may stay.
    ///   - group: The loops that carry the connections.
    ///
    /// Throws `unsafePermissions`, or `unavailable` when the socket cannot be made or an agent listens there already.
    public nonisolated func listen(
        at path: String, maximumConnections: Int = 64, messageTimeout: Duration = .seconds(30),
        on group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
    ) async throws(SSHAgentError) -> AgentListener {
        let timeout = TimeAmount(messageTimeout)
        return try await AgentSocket.listen(at: path, maximumConnections: maximumConnections, on: group) { child in
            try child.pipeline.syncOperations.addHandler(AgentServerHandler(self, timeout: timeout))
        }
    }
}

extension AgentListener {
    /// Listens for programs that look for an agent, where the agent is at the other end of SSH channels: a server's
    /// session makes such a socket for its processes.
    ///
    /// - Parameters:
    ///   - path: As for `SSHAgentServer.listen(at:)`.
    ///   - maximumConnections: At once; more are closed as they come.
    ///   - group: The loops that carry the connections.
    ///   - open: Opens a channel to the agent for each connection, as `SSHServerSession.openAgent` does.
    public static func relay(
        at path: String, maximumConnections: Int = 64,
        on group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton,
        open: @escaping @Sendable () async throws(SSHError) -> SSHChannelStream
    ) async throws(SSHAgentError) -> AgentListener {
        try await AgentSocket.listen(at: path, maximumConnections: maximumConnections, on: group) { child in
            let socket = try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: child)
            Task {
                do {
                    try await AgentPump(stream: try await open(), binding: nil).carry(socket)
                } catch {
                    // The program sees its agent go away, and says so itself.
                    try? await child.close()
                }
            }
        }
    }
}

/// The checks about an agent's socket.
enum AgentSocket {
    /// - Parameter serve: On the connection's loop, for each one that is welcome.
    static func listen(
        at path: String, maximumConnections: Int, on group: any EventLoopGroup,
        serve: @escaping @Sendable (any Channel) throws -> Void
    ) async throws(SSHAgentError) -> AgentListener {
        try prepareFolder(of: path)
        let connections = NIOLockedValueBox<[ObjectIdentifier: any Channel]>([:])
        let bootstrap = ServerBootstrap(group: group).serverChannelOption(.backlog, value: 128)
            .childChannelInitializer { child in
                let id = ObjectIdentifier(child)
                let isWelcome = connections.withLockedValue { connections in
                    guard connections.count < maximumConnections else { return false }
                    connections[id] = child
                    return true
                }
                guard isWelcome else { return child.close() }
                child.closeFuture.whenComplete { _ in
                    _ = connections.withLockedValue { $0.removeValue(forKey: id) }
                }
                return isOwn(child).flatMap { isOwn in
                    guard isOwn else { return child.close() }
                    return child.eventLoop.makeCompletedFuture { try serve(child) }
                }
            }
        let channel = try await bind(bootstrap, path)
        guard chmod(path, 0o600) == 0 else {
            channel.close(promise: nil)
            throw failure(path, String(cString: strerror(errno)))
        }
        return AgentListener(path: path, channel: channel, connections: connections)
    }

    /// Makes the folder, or throws unless it is this user's alone: then nobody can be quicker than our own chmod.
    static func prepareFolder(of path: String) throws(SSHAgentError) {
        guard path.hasPrefix("/"), path.utf8.count <= 100, !path.utf8.contains(0),
            let slash = path.lastIndex(of: "/"), slash != path.startIndex
        else { throw failure(path, "a socket's path is absolute and at most 100 bytes long") }
        let folder = String(path[..<slash])
        if mkdir(folder, 0o700) != 0, errno != EEXIST {
            throw failure(path, String(cString: strerror(errno)))
        }
        var status = stat()
        guard lstat(folder, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw failure(path, "its folder is none")
        }
        guard status.st_uid == geteuid(), status.st_mode & 0o077 == 0 else {
            throw SSHAgentError(
                .unsafePermissions, "The folder of \(DisplayText.neutralise(path, limit: 200)) is open to others.",
                hint: "Use a folder of your own with mode 0700.")
        }
    }

    static func bind(_ bootstrap: ServerBootstrap, _ path: String) async throws(SSHAgentError) -> any Channel {
        do {
            return try await bootstrap.bind(unixDomainSocketPath: path).get()
        } catch {
            guard (error as? IOError)?.errnoCode == EADDRINUSE else { throw failure(path, "\(error)") }
        }
        // A socket that nobody listens on is what a stopped agent left behind.
        let probe = SSHAgentClient(socketPath: path, timeout: .seconds(2))
        var isStale = false
        do throws(SSHAgentError) { _ = try await probe.extensions() } catch { isStale = error.code == .unavailable }
        var status = stat()
        guard isStale, lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else {
            throw failure(path, "something is there already")
        }
        unlink(path)
        do {
            return try await bootstrap.bind(unixDomainSocketPath: path).get()
        } catch {
            throw failure(path, "\(error)")
        }
    }

    static func failure(_ path: String, _ why: String) -> SSHAgentError {
        SSHAgentError(
            .unavailable,
            "The agent cannot listen at \(DisplayText.neutralise(path, limit: 200)): \(DisplayText.neutralise(why, limit: 200)).",
            hint: "Choose another path, in a folder of your own.")
    }

    /// Whether the program at the other end is this user's or root's. The socket's mode says so too; this also holds for
    /// a descriptor that was handed on.
    static func isOwn(_ channel: any Channel) -> EventLoopFuture<Bool> {
        #if os(Linux)
        /// struct ucred of unix(7).
        struct Credentials {
            var process: Int32 = 0
            var user: UInt32 = .max
            var group: UInt32 = .max
        }
        guard let provider = channel as? any SocketOptionProvider else {
            return channel.eventLoop.makeSucceededFuture(false)
        }
        let peer: EventLoopFuture<Credentials> = provider.unsafeGetSocketOption(
            level: .socket, name: .init(rawValue: SO_PEERCRED))
        return peer.map { $0.user == geteuid() || $0.user == 0 }.recover { _ in false }
        #else
        return channel.eventLoop.makeSucceededFuture(true)
        #endif
    }
}

/// One connection to the agent: takes a message, waits for its answer, takes the next. Loop-bound.
final class AgentServerHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let server: SSHAgentServer
    private let timeout: TimeAmount
    private var frames = AgentFrames()
    /// What came behind the message that is being answered; nothing more is read meanwhile.
    private var input = ByteBuffer()
    private var session: Task<AgentServerMachine.ConnectionID, Never>?
    private var work: Task<Void, Never>?
    private var hasHeldRead = false
    private var timer: Scheduled<Void>?

    init(_ server: SSHAgentServer, timeout: TimeAmount) {
        self.server = server
        self.timeout = timeout
    }

    func channelActive(context: ChannelHandlerContext) {
        let server = server
        session = Task { await server.connect() }
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        input.writeBuffer(&bytes)
        advance(context)
    }

    func read(context: ChannelHandlerContext) {
        if work == nil { context.read() } else { hasHeldRead = true }
    }

    private func advance(_ context: ChannelHandlerContext) {
        guard work == nil, let session else { return }
        do throws(SSHAgentError) {
            guard let message = try frames.next(from: &input) else {
                input.clear()
                return watch(context)
            }
            timer?.cancel()
            timer = nil
            answer(message, session, context)
        } catch {
            // Where the next message begins cannot be known any more.
            context.close(promise: nil)
        }
    }

    private func answer(
        _ message: [UInt8], _ session: Task<AgentServerMachine.ConnectionID, Never>, _ context: ChannelHandlerContext
    ) {
        let server = server
        let eventLoop = context.eventLoop
        let bound = NIOLoopBound((self, context), eventLoop: eventLoop)
        work = Task {
            let answer = await server.answer(message, from: session.value)
            eventLoop.execute {
                let (handler, context) = bound.value
                handler.finish(answer, context)
            }
        }
    }

    private func finish(_ answer: [UInt8], _ context: ChannelHandlerContext) {
        guard work != nil else { return }
        work = nil
        context.writeAndFlush(wrapOutboundOut(AgentFrames.framed(answer)), promise: nil)
        advance(context)
        if hasHeldRead, work == nil {
            hasHeldRead = false
            context.read()
        }
    }

    /// A message that has begun must end in time.
    private func watch(_ context: ChannelHandlerContext) {
        guard frames.isWithinMessage, timer == nil else { return }
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        timer = context.eventLoop.scheduleTask(in: timeout) { bound.value.close(promise: nil) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        work?.cancel()
        work = nil
        let server = server
        if let session { Task { await server.disconnect(session.value) } }
        session = nil
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
