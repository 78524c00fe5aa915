import LocalProcess
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import SSH

typealias AsyncSocket = NIOAsyncChannel<ByteBuffer, ByteBuffer>

/// A socket and a channel joined: bytes both ways, each side read only as fast as the other takes them, each direction
/// ending for itself.
struct SocketPump: Sendable {
    let stream: SSHChannelStream
    let socket: AsyncSocket

    func run() async {
        defer { stream.close() }
        try? await socket.executeThenClose { inbound, outbound in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for try await bytes in stream { try await outbound.write(bytes) }
                    outbound.finish()
                }
                group.addTask {
                    for try await bytes in inbound { try await stream.write(bytes) }
                    stream.finish()
                }
                // The first failure ends both.
                try await group.waitForAll()
            }
        }
    }
}

/// A listening unix socket of an account; each of its connections is joined to a channel towards the client.
final class ChannelListener: Sendable {
    private let channel: any Channel
    private let path: String
    private let folder: String?
    private let account: LocalAccount

    private init(channel: any Channel, path: String, folder: String?, account: LocalAccount) {
        self.channel = channel
        self.path = path
        self.folder = folder
        self.account = account
    }

    /// - Parameters:
    ///   - folder: Goes with the socket.
    ///   - maximum: Connections at once; more are closed as they come.
    ///   - open: Opens the channel of one connection.
    static func listen(
        at path: String, folder: String? = nil, as account: LocalAccount, on eventLoop: any EventLoop,
        maximum: Int = 64, open: @escaping @Sendable () async throws -> SSHChannelStream
    ) async throws -> ChannelListener {
        let descriptor = try await NIOThreadPool.singleton.runIfActive {
            try AccountSocket.listen(at: path, as: account)
        }
        let count = NIOLockedValueBox(0)
        let channel = try await ServerBootstrap(group: eventLoop)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { child in
                let isWelcome = count.withLockedValue { count in
                    guard count < maximum else { return false }
                    count += 1
                    return true
                }
                guard isWelcome else { return child.close() }
                child.closeFuture.whenComplete { _ in count.withLockedValue { $0 -= 1 } }
                return child.eventLoop.makeCompletedFuture {
                    let socket = try AsyncSocket(
                        wrappingChannelSynchronously: child, configuration: .init(isOutboundHalfClosureEnabled: true))
                    Task {
                        do {
                            await SocketPump(stream: try await open(), socket: socket).run()
                        } catch {
                            try? await child.close()
                        }
                    }
                }
            }
            .withBoundSocket(descriptor).get()
        return ChannelListener(channel: channel, path: path, folder: folder, account: account)
    }

    /// Listens no more, and removes the socket.
    func close() {
        channel.close(promise: nil)
        let (path, folder, account) = (path, folder, account)
        NIOThreadPool.singleton.submit { _ in AccountSocket.remove(path, folder: folder, as: account) }
    }
}

/// The socket through which a session's programs reach the client's agent.
final class ForwardedAgentSocket: Sendable {
    let path: String
    private let listener: ChannelListener

    private init(path: String, listener: ChannelListener) {
        self.path = path
        self.listener = listener
    }

    static func open(for account: LocalAccount, of connection: SSHServerConnection) async throws
        -> ForwardedAgentSocket
    {
        let folder = try await NIOThreadPool.singleton.runIfActive { try AccountSocket.makeFolder(as: account) }
        let path = "\(folder)/agent.\(connection.id)"
        let listener = try await ChannelListener.listen(
            at: path, folder: folder, as: account, on: connection.eventLoop, maximum: 16
        ) {
            try await connection.openStream(.agent)
        }
        return ForwardedAgentSocket(path: path, listener: listener)
    }

    func close() { listener.close() }
}
