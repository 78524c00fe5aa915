// What a client has the server connect to and listen on: RFC 4254 §7, OpenSSH's PROTOCOL §2.4.

import NIOCore
import SSHProtocol

/// The forwards of one connection. Loop-bound.
final class ServerForwards {
    private enum Listener {
        case ours(SocketListener)
        case handled(@Sendable () -> Void)

        func end() {
            switch self {
            case .ours(let listener): listener.close()
            case .handled(let ended): ended()
            }
        }
    }

    private let connection: SSHServerConnection
    private let server: ServerShared
    private let driver: NIOLoopBound<ConnectionDriver>
    private let tunnels = TunnelSet()
    private var listeners: [RemoteForward: Listener] = [:]
    /// Asked for and not decided yet; they count, or a client could ask for any number at once.
    private var pending = 0
    private var isOver = false

    init(_ connection: SSHServerConnection, _ server: ServerShared, _ driver: NIOLoopBound<ConnectionDriver>) {
        self.connection = connection
        self.server = server
        self.driver = driver
    }

    func end() {
        isOver = true
        let all = listeners
        listeners = [:]
        for listener in all.values { listener.end() }
        tunnels.end()
    }

    // MARK: Connecting

    func connect(_ incoming: SSHIncomingChannel, to endpoint: SSHForwardEndpoint) {
        let (handlers, connection) = (server.handlers, connection)
        let bound = NIOLoopBound(self, eventLoop: driver.eventLoop)
        Task {
            let decision = await handlers.forwarding.connect(endpoint, connection)
            connection.eventLoop.execute {
                switch decision {
                case .refuse(let reason, let words): incoming.refuse(reason, words)
                case .connect(let endpoint):
                    SocketListener.answer(incoming, with: endpoint, tunnels: bound.value.tunnels)
                case .handle(let handler): handler(incoming)
                }
            }
        }
    }

    // MARK: Listening

    func receive(_ request: InboundGlobalRequest) {
        switch request.kind {
        case .forward(let forward): listen(forward, request)
        case .cancelForward(let forward):
            let listener = listeners.removeValue(forKey: forward)
            listener?.end()
            driver.value.answer(request, success: listener != nil)
        }
    }

    private func listen(_ forward: RemoteForward, _ request: InboundGlobalRequest) {
        guard listeners[forward] == nil, listeners.count + pending < server.configuration.maximumListeners else {
            return driver.value.answer(request, success: false)
        }
        pending += 1
        let (handlers, connection) = (server.handlers, connection)
        let bound = NIOLoopBound(self, eventLoop: driver.eventLoop)
        Task {
            let decision = await handlers.forwarding.listen(SSHForwardEndpoint(forward), connection)
            connection.eventLoop.execute { bound.value.decided(decision, forward, request) }
        }
    }

    private func decided(_ decision: SSHListenDecision, _ forward: RemoteForward, _ request: InboundGlobalRequest) {
        switch decision {
        case .refuse:
            finish(request, forward, nil, port: nil)
        case .handle(let port, let ended):
            finish(request, forward, .handled(ended), port: port)
        case .listen(let endpoint):
            let bound = NIOLoopBound(self, eventLoop: driver.eventLoop)
            SocketListener.bind(endpoint, on: driver.eventLoop) { socket in try bound.value.serve(socket, forward) }
                .assumeIsolated().whenComplete { result in
                    switch result {
                    case .success(let listener):
                        self.finish(request, forward, .ours(listener), port: listener.endpoint.port)
                    case .failure:
                        self.finish(request, forward, nil, port: nil)
                    }
                }
        }
    }

    private func finish(_ request: InboundGlobalRequest, _ forward: RemoteForward, _ listener: Listener?, port: Int?) {
        pending -= 1
        guard let listener else { return driver.value.answer(request, success: false) }
        let granted = forward.granted(port)
        // Asked for twice at the same time, or the connection ended meanwhile.
        guard !isOver, listeners[granted] == nil else {
            listener.end()
            return driver.value.answer(request, success: false)
        }
        listeners[granted] = listener
        driver.value.answer(request, success: true, port: port.map { UInt32(clamping: $0) })
    }

    /// A socket that came to one of our listeners. RFC 4254 §7.2: the address is named as the client asked for it.
    private func serve(_ socket: any Channel, _ forward: RemoteForward) throws {
        let tunnel = SocketTunnel(tunnels)
        try socket.pipeline.syncOperations.addHandler(tunnel)
        let request: ChannelOpenRequest =
            switch forward {
            case .tcp(let address):
                .forwardedTCPIP(
                    connected: TCPAddress(
                        host: address.host,
                        port: address.port == 0 ? UInt32(clamping: socket.localAddress?.port ?? 0) : address.port),
                    originator: socket.originator)
            case .unix(let path): .forwardedStreamLocal(path: path)
            }
        connection.makeChannel(request, delegate: tunnel).assumeIsolated().whenComplete { result in
            switch result {
            case .success(let channel): tunnel.adopt(channel)
            case .failure: socket.close(promise: nil)
            }
        }
    }
}

extension RemoteForward {
    /// With the port that was chosen, as the client will name it from now on.
    fileprivate func granted(_ port: Int?) -> RemoteForward {
        guard case .tcp(var address) = self, address.port == 0, let port else { return self }
        address.port = UInt32(clamping: port)
        return .tcp(address)
    }
}
