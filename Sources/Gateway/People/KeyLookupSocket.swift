import Logging
import NIOConcurrencyHelpers
public import NIOCore
import NIOPosix
import SSHDispatch
import SSHKeys

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// A unix socket at which `copilot dispatch` asks whose a key is. Nothing else can be asked there, and nothing changed:
/// the data folder stays closed to sshd's account.
public final class KeyLookupSocket: Sendable {
    private let path: String
    private let listener: any Channel

    private init(path: String, listener: any Channel) {
        self.path = path
        self.listener = listener
    }

    /// Listens until ``close()``.
    ///
    /// - Parameters:
    ///   - path: Where; in a folder that only its owner may write to, such as /run/copilot. It is made with mode 0755.
    ///   - accounts: Names of accounts that may ask, beside root and this program's own: sshd's
    ///     AuthorizedKeysCommandUser.
    /// - Throws: `lookup_socket` with what is in the way.
    public static func listen(
        at path: String, people: People, accounts: [String], on loops: any EventLoopGroup, logger: Logger
    ) async throws(GatewayError) -> KeyLookupSocket {
        let admission = LookupAdmission(users: try users(accounts))
        try prepare(path)
        let bootstrap = ServerBootstrap(group: loops)
            .serverChannelOption(.backlog, value: 128)
            .childChannelInitializer { child in
                guard admission.enter(child) else { return child.close() }
                return admission.isWelcome(child).flatMap { isWelcome in
                    guard isWelcome else {
                        logger.warning("An account that may not look keys up was turned away.")
                        return child.close()
                    }
                    return child.eventLoop.makeCompletedFuture {
                        try child.pipeline.syncOperations.addHandler(LookupHandler(people))
                    }
                }
            }
        do {
            let listener = try await bootstrap.bind(unixDomainSocketPath: path).get()
            // Who asks is told by the kernel at each connection; the file's mode has no part in it.
            guard chmod(path, 0o666) == 0 else { throw failure(path, String(cString: strerror(errno))) }
            return KeyLookupSocket(path: path, listener: listener)
        } catch let error as GatewayError {
            throw error
        } catch {
            throw failure(path, "\(error)")
        }
    }

    /// Stops listening and removes the socket.
    public func close() async {
        unlink(path)
        try? await listener.close()
    }

    private static func users(_ accounts: [String]) throws(GatewayError) -> Set<uid_t> {
        var users: Set<uid_t> = [0, geteuid()]
        for name in accounts {
            guard let entry = getpwnam(name) else {
                throw GatewayError(
                    "lookup_socket", status: 500, "There is no account \(name) that could look keys up.",
                    hint: "Correct dispatch_accounts.")
            }
            users.insert(entry.pointee.pw_uid)
        }
        return users
    }

    private static func prepare(_ path: String) throws(GatewayError) {
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
        guard path.hasPrefix("/"), !folder.isEmpty else { throw failure(path, "it is no whole path in a folder") }
        if mkdir(folder, 0o755) != 0, errno != EEXIST { throw failure(path, String(cString: strerror(errno))) }
        var status = stat()
        guard stat(folder, &status) == 0 else { throw failure(path, String(cString: strerror(errno))) }
        guard status.st_mode & 0o022 == 0, status.st_uid == geteuid() || status.st_uid == 0 else {
            throw failure(path, "others may write to its folder, and could put their own socket there")
        }
        guard lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFSOCK else { throw failure(path, "something else is there") }
        guard !KeySocket.isListening(at: path) else { throw failure(path, "another program listens there") }
        unlink(path)
    }

    private static func failure(_ path: String, _ why: String) -> GatewayError {
        GatewayError(
            "lookup_socket", status: 500, "The socket \(path) cannot be made: \(why).",
            hint: "Name one in a folder of the copilot's own: --dispatch-socket /run/copilot/dispatch.sock")
    }
}

/// Who may ask, and how many at once.
private final class LookupAdmission: Sendable {
    private static let maximumConnections = 128
    private let users: Set<uid_t>
    private let count = NIOLockedValueBox(0)

    init(users: Set<uid_t>) { self.users = users }

    func enter(_ channel: any Channel) -> Bool {
        let isRoom = count.withLockedValue { count in
            guard count < Self.maximumConnections else { return false }
            count += 1
            return true
        }
        guard isRoom else { return false }
        channel.closeFuture.whenComplete { [count] _ in count.withLockedValue { $0 -= 1 } }
        return true
    }

    /// Whether the program at the other end is of one of these accounts.
    func isWelcome(_ channel: any Channel) -> EventLoopFuture<Bool> {
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
        return peer.map { [users] in users.contains($0.user) }.recover { _ in false }
        #else
        return channel.eventLoop.makeSucceededFuture(true)
        #endif
    }
}

/// One connection: a line, its answer, the end. Loop-bound.
private final class LookupHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// For a question that does not come to its end.
    private static let timeout = TimeAmount.seconds(5)

    private let people: People
    private var line = ByteBuffer()
    private var isAnswered = false
    private var timer: Scheduled<Void>?

    init(_ people: People) { self.people = people }

    func handlerAdded(context: ChannelHandlerContext) {
        let channel = context.channel
        timer = context.eventLoop.scheduleTask(in: Self.timeout) { channel.close(promise: nil) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isAnswered else { return }
        line.writeImmutableBuffer(unwrapInboundIn(data))
        guard let end = line.readableBytesView.firstIndex(of: UInt8(ascii: "\n")) else {
            if line.readableBytes > LookupExchange.maximumLine { context.close(promise: nil) }
            return
        }
        isAnswered = true
        let question = String(decoding: line.readableBytesView[..<end], as: UTF8.self)
        guard let key = LookupExchange.key(question) else { return context.close(promise: nil) }
        let (people, channel) = (people, context.channel)
        Task {
            let answer: LookupExchange.Answer
            do {
                let owner = try await people.owner(of: key)
                answer = owner.flatMap { PersonName($0.username) }.map { .known($0) } ?? .unknown
            } catch {
                answer = .failed
            }
            try? await channel.writeAndFlush(ByteBuffer(string: answer.line + "\n"))
            try? await channel.close()
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
