import NIOCore
import SSH

/// The channels for an agent's commands at one session: on the session's own connection as long as the host gives some,
/// then on further connections with the same sign-in, and beyond those in a queue.
///
/// It works on the loop of the session's connection, as everything of the session does.
actor ExecChannels {
    /// Connections beside the session's own.
    static let furtherConnections = 3
    /// Channels on one connection where the host named no limit.
    static let channelsEach = 48
    /// Commands that wait for a channel.
    static let queueLimit = 256
    /// How long a further connection stays without a command.
    private static let idle = TimeAmount.seconds(30)

    private final class Link {
        let number: Int
        let connection: SSHConnection
        let isOwn: Bool
        /// Learned when the host refused one more.
        var limit = ExecChannels.channelsEach
        /// Channels that were asked for, and those that stand.
        var asked = 0
        var open = 0
        var closing: Scheduled<Void>?

        init(_ number: Int, _ connection: SSHConnection, isOwn: Bool) {
            self.number = number
            self.connection = connection
            self.isOwn = isOwn
        }

        var hasRoom: Bool { connection.isOpen && asked < limit }
    }

    private let loop: any EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.executor.asUnownedSerialExecutor() }
    private let connectAgain: @Sendable () async throws(GatewayError) -> SSHConnection
    private var links: [Link]
    private var waiting: [CheckedContinuation<Void, Never>] = []
    private var isConnecting = false
    private var nextLink = 0
    private var isClosed = false
    private var cannotConnect: GatewayError?

    init(
        _ connection: SSHConnection,
        connectAgain: @escaping @Sendable () async throws(GatewayError) -> SSHConnection
    ) {
        loop = connection.eventLoop
        links = [Link(0, connection, isOwn: true)]
        self.connectAgain = connectAgain
    }

    /// Runs a command as soon as there is a channel for it; returns when it has begun.
    func run(_ command: AgentCommand, _ launch: CommandLaunch) async throws(GatewayError) {
        while !command.phase.isOver {
            guard !isClosed else { throw Self.closed }
            guard let link = links.first(where: \.hasRoom) else {
                try await makeRoom()
                continue
            }
            if try await start(command, launch, on: link) { return }
        }
    }

    /// - Returns: false when the host gave no channel here; another place may have one.
    private func start(
        _ command: AgentCommand, _ launch: CommandLaunch, on link: Link
    ) async throws(GatewayError) -> Bool {
        do {
            try await begin(command, launch, on: link).get()
            return true
        } catch {
            link.asked -= 1
            guard let refusal = error as? SSHError, [.channelRefused, .tooManyChannels].contains(refusal.code) else {
                if !link.isOwn, !link.connection.isOpen {
                    links.removeAll { $0 === link }
                    return false
                }
                throw GatewayError(hostFailure: error)
            }
            // The host answers in order: those that stand now are what it gives.
            link.limit = link.open
            return false
        }
    }

    /// Asks for a channel. The command goes out in the very turn of the loop in which it stands: no hop between.
    private func begin(
        _ command: AgentCommand, _ launch: CommandLaunch, on link: Link
    ) -> EventLoopFuture<Void> {
        link.asked += 1
        link.closing?.cancel()
        let number = link.number
        let run = AgentCommandRun(command, launch) { [weak self] in
            self?.assumeIsolated { $0.left(number) }
        }
        return link.connection.makeSession(delegate: run).assumeIsolated().map { channel in
            link.open += 1
            run.start(on: channel)
        }.nonisolated()
    }

    private func left(_ number: Int) {
        guard let link = links.first(where: { $0.number == number }) else { return }
        link.open = max(0, link.open - 1)
        link.asked = max(0, link.asked - 1)
        if !waiting.isEmpty { waiting.removeFirst().resume() }
        guard !link.isOwn, link.asked == 0, waiting.isEmpty else { return }
        link.closing = loop.scheduleTask(in: Self.idle) { [weak self] in
            self?.assumeIsolated { $0.drop(number) }
        }
    }

    private func drop(_ number: Int) {
        guard let index = links.firstIndex(where: { $0.number == number && $0.asked == 0 }) else { return }
        links.remove(at: index).connection.beginClosing()
    }

    /// Another connection, or a channel that somebody leaves.
    private func makeRoom() async throws(GatewayError) {
        links.removeAll { !$0.isOwn && !$0.connection.isOpen }
        if links.count <= Self.furtherConnections, !isConnecting, cannotConnect == nil {
            isConnecting = true
            defer { isConnecting = false }
            do throws(GatewayError) {
                let connection = try await connectAgain()
                guard !isClosed else {
                    connection.beginClosing()
                    throw Self.closed
                }
                nextLink += 1
                links.append(Link(nextLink, connection, isOwn: false))
                wakeAll()
                return
            } catch {
                // One connection is what this host gives: the others wait for it.
                cannotConnect = error
                wakeAll()
                if links.allSatisfy({ $0.limit == 0 }) { throw error }
                return
            }
        }
        guard waiting.count < Self.queueLimit else {
            throw GatewayError(
                "too_many_commands", status: 429, "\(Self.queueLimit) commands wait for a channel to this host.",
                hint: "Wait for some of them to end.", retryAfter: 1)
        }
        await withCheckedContinuation { waiting.append($0) }
    }

    /// Runs a short line of our own beside the commands, wherever there is a channel for it.
    /// - Parameter sudo: answers the sudo that the line begins with.
    func aside(_ line: String, sudo: SudoDialogue? = nil) async -> AsideResult? {
        for connection in links.map(\.connection) {
            if let result = await Self.run(line, sudo, on: connection) { return result }
        }
        guard !isClosed, let connection = try? await connectAgain() else { return nil }
        let result = await Self.run(line, sudo, on: connection)
        connection.beginClosing()
        return result
    }

    private static func run(_ line: String, _ sudo: SudoDialogue?, on connection: SSHConnection) async -> AsideResult? {
        guard let sudo else {
            guard let result = try? await connection.run(line, limit: 4096) else { return nil }
            return AsideResult(standardOutput: result.standardOutput, exit: result.exit)
        }
        return try? await RootAside.run(line, sudo, on: connection)
    }

    private func wakeAll() {
        let waiters = waiting
        waiting = []
        for waiter in waiters { waiter.resume() }
    }

    /// The session is over: no command begins any more, and further connections close.
    func close() {
        isClosed = true
        for link in links where !link.isOwn { link.connection.beginClosing() }
        wakeAll()
    }

    private static let closed = GatewayError(
        "closed", status: 410, "The session has ended.", hint: "Ask for access again.")
}
