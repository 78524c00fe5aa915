import LocalProcess
import NIOCore
import NIOPosix
import SSH
import SSHKeys
import SSHProtocol

/// What a connection may forward: by the server's settings and the key's options.
struct ForwardRules: Sendable {
    let settings: ServerSettings
    let visits: Visits
    let record: @Sendable (ServerEvent) -> Void

    var forwarding: SSHServerForwarding {
        SSHServerForwarding(
            connect: { endpoint, connection in await connect(endpoint, connection) },
            listen: { endpoint, connection in await listen(endpoint, connection) })
    }

    /// nil: nothing.
    private func permissions(of connection: SSHServerConnection) -> (LoginPermissions, LocalAccount)? {
        guard !settings.refusesForwarding, let visit = visits[connection],
            case .account(let account) = visit.welcome.place, visit.welcome.permissions.mayForwardPorts
        else { return nil }
        return (visit.welcome.permissions, account)
    }

    // MARK: Connecting

    private func connect(_ endpoint: SSHForwardEndpoint, _ connection: SSHServerConnection) async -> SSHConnectDecision
    {
        guard let (permissions, account) = permissions(of: connection), Self.mayOpen(endpoint, permissions) else {
            tell(.forwardRefused, endpoint, connection)
            return .refuse(.administrativelyProhibited, "open failed")
        }
        tell(.forwardOpened, endpoint, connection)
        guard case .unix(let path) = endpoint, SessionPlan.needsOwnProcess(account) else { return .connect(endpoint) }
        return .handle { incoming in Self.answer(incoming, path, account) }
    }

    /// permitopen names hosts and ports: with it a unix socket is none of them.
    static func mayOpen(_ endpoint: SSHForwardEndpoint, _ permissions: LoginPermissions) -> Bool {
        guard let targets = permissions.openTargets else { return true }
        guard case .tcp(let host, let port) = endpoint else { return false }
        return targets.contains { $0.permitsOpening(host: host, port: port) }
    }

    /// Connects with the account's rights, and joins the two or refuses.
    private static func answer(_ incoming: SSHIncomingChannel, _ path: String, _ account: LocalAccount) {
        Task {
            do {
                let descriptor = try await NIOThreadPool.singleton.runIfActive {
                    try AccountSocket.connect(to: path, as: account)
                }
                let socket = try await ClientBootstrap(group: incoming.eventLoop)
                    .channelOption(.allowRemoteHalfClosure, value: true)
                    .withConnectedSocket(descriptor) { channel in
                        channel.eventLoop.makeCompletedFuture {
                            try AsyncSocket(
                                wrappingChannelSynchronously: channel,
                                configuration: .init(isOutboundHalfClosureEnabled: true))
                        }
                    }
                await SocketPump(stream: try await incoming.acceptStream(), socket: socket).run()
            } catch {
                incoming.refuse(.connectFailed, "open failed")
            }
        }
    }

    // MARK: Listening

    private func listen(_ endpoint: SSHForwardEndpoint, _ connection: SSHServerConnection) async -> SSHListenDecision {
        guard let (permissions, account) = permissions(of: connection), Self.mayListen(endpoint, permissions, account)
        else {
            tell(.listenRefused, endpoint, connection)
            return .refuse
        }
        tell(.listenOpened, endpoint, connection)
        switch endpoint {
        case .tcp(_, let port):
            // sshd's GatewayPorts is off: whatever the client asks for, only this machine gets in.
            return .listen(.tcp(host: "127.0.0.1", port: port))
        case .unix(let path):
            guard SessionPlan.needsOwnProcess(account) else { return .listen(endpoint) }
            let listener = try? await ChannelListener.listen(at: path, as: account, on: connection.eventLoop) {
                try await connection.openStream(.forwardedStreamLocal(path: path))
            }
            guard let listener else { return .refuse }
            return .handle(port: 0) { listener.close() }
        }
    }

    /// permitlisten, and for ports below 1024 what the system would let the account do itself.
    static func mayListen(
        _ endpoint: SSHForwardEndpoint, _ permissions: LoginPermissions, _ account: LocalAccount
    ) -> Bool {
        switch endpoint {
        case .tcp(let host, let port):
            guard port == 0 || (1024...65535).contains(port) || (account.userID == 0 && (1...1023).contains(port))
            else {
                return false
            }
            guard let targets = permissions.listenTargets else { return true }
            return targets.contains { $0.permitsListening(host: host, port: port) }
        case .unix:
            return permissions.listenTargets == nil
        }
    }

    private func tell(_ name: ServerEvent.Name, _ endpoint: SSHForwardEndpoint, _ connection: SSHServerConnection) {
        record(
            ServerEvent(
                name,
                [
                    ("connection", .number(connection.id)), ("user", .text(connection.user?.username)),
                    ("target", .text(endpoint.description)),
                ]))
    }
}
