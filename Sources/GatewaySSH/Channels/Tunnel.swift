import Gateway
import NIOCore
import SSH
import SSHProtocol

/// One connection through a host: a channel of the client's and one of the host's, with its bytes counted. Loop-bound.
final class Tunnel: VisitActivity {
    private let visit: Visit
    private let host: SessionHost
    private let destination: String
    private let sessions: Sessions
    private var link: HostLink?
    private var near: SSHChannel?
    private var far: SSHChannel?
    private var toHost: Flow?
    private var toClient: Flow?
    private var sent: UInt64 = 0
    private var received: UInt64 = 0
    private var isOver = false

    init(_ visit: Visit, through host: SessionHost, to destination: String, sessions: Sessions, link: HostLink?) {
        self.visit = visit
        self.host = host
        self.destination = destination
        self.sessions = sessions
        self.link = link
    }

    /// From the client to wherever the host can reach.
    static func open(
        _ incoming: SSHIncomingChannel, for visit: Visit, through host: SessionHost, to destination: String,
        sessions: Sessions
    ) {
        let link = visit.loop.links.lease(host, caller: visit.caller, sessions: sessions)
        let tunnel = Tunnel(visit, through: host, to: destination, sessions: sessions, link: link)
        visit.loop.enter(tunnel)
        link.connection.assumeIsolated().whenComplete { result in
            switch result {
            case .success(let connection):
                let end = TunnelEnd(tunnel, isHost: true)
                connection.makeChannel(incoming.request, delegate: end).assumeIsolated().whenComplete { opened in
                    switch opened {
                    case .success(let far): tunnel.join(incoming, far)
                    case .failure(let error): tunnel.refuse(incoming, error)
                    }
                }
            case .failure(let error): tunnel.refuse(incoming, error)
            }
        }
    }

    /// From a listener at the host back to the client.
    static func carry(
        _ incoming: SSHIncomingChannel, asked: TCPAddress, for visit: Visit, through host: SessionHost,
        sessions: Sessions
    ) {
        guard case .forwardedTCPIP(let connected, let originator) = incoming.request else { return incoming.refuse() }
        let tunnel = Tunnel(visit, through: host, to: "client:\(asked.port)", sessions: sessions, link: nil)
        visit.loop.enter(tunnel)
        // RFC 4254 §7.2: named as the client asked for it.
        let request = ChannelOpenRequest.forwardedTCPIP(
            connected: TCPAddress(host: asked.host, port: connected.port), originator: originator)
        let end = TunnelEnd(tunnel, isHost: false)
        visit.connection.makeChannel(request, delegate: end).assumeIsolated().whenComplete { opened in
            switch opened {
            case .success(let near):
                guard !tunnel.isOver else {
                    near.abort()
                    return incoming.refuse()
                }
                incoming.accept { far in
                    tunnel.begin(near: near, far: far)
                    return TunnelEnd(tunnel, isHost: true)
                }
            case .failure(let error): tunnel.refuse(incoming, error)
            }
        }
    }

    private func join(_ incoming: SSHIncomingChannel, _ far: SSHChannel) {
        guard !isOver else {
            far.abort()
            return incoming.refuse()
        }
        incoming.accept { near in
            begin(near: near, far: far)
            return TunnelEnd(self, isHost: false)
        }
    }

    private func begin(near: SSHChannel, far: SSHChannel) {
        (self.near, self.far) = (near, far)
        toHost = Flow(from: FlowEnd(near), to: FlowEnd(far))
        toClient = Flow(from: FlowEnd(far), to: FlowEnd(near))
        sessions.noteTunnel("tunnel.open", destination, on: host, caller: visit.caller)
    }

    private func refuse(_ incoming: SSHIncomingChannel, _ error: any Error) {
        let failure = GatewayError(hostFailure: error)
        incoming.refuse((error as? SSHError)?.refusal?.reason ?? .connectFailed, failure.error)
        sessions.noteTunnel(
            "tunnel.open", destination, on: host, caller: visit.caller, problem: failure.code)
        leave()
    }

    // MARK: Bytes

    fileprivate func passed(_ data: ByteBuffer, fromHost: Bool) {
        if fromHost {
            received &+= UInt64(data.readableBytes)
            toClient?.push(data, credit: data.readableBytes)
        } else {
            sent &+= UInt64(data.readableBytes)
            toHost?.push(data, credit: data.readableBytes)
        }
    }

    fileprivate func ended(fromHost: Bool) { (fromHost ? toClient : toHost)?.end() }

    fileprivate func hasRoom(atHost: Bool) { (atHost ? toHost : toClient)?.drain() }

    fileprivate func closed(atHost: Bool) {
        if atHost { far = nil } else { near = nil }
        let flow = atHost ? toClient : toHost
        (atHost ? toHost : toClient)?.drop()
        guard let flow, !isOver else { return leave() }
        flow.drained { self.closeBoth() }
    }

    private func closeBoth() {
        near?.close()
        far?.close()
        leave()
    }

    private func leave() {
        guard !isOver else { return }
        isOver = true
        if toHost != nil {
            sessions.noteTunnel(
                "tunnel.close", destination, on: host, caller: visit.caller,
                ["toHost": String(sent), "fromHost": String(received)])
        }
        (toHost, toClient) = (nil, nil)
        visit.loop.leave(self)
        if let link { visit.loop.links.giveBack(link) }
        link = nil
    }

    // MARK: VisitActivity

    func reauthorise() {
        if !sessions.mayTunnel(visit.caller, on: host) { revoke("") }
    }

    func revoke(_ sentence: String) {
        near?.abort()
        far?.abort()
        leave()
    }
}

/// Tells a tunnel what happens at one of its ends. Loop-bound.
private final class TunnelEnd: SSHChannelDelegate {
    private let tunnel: Tunnel
    private let isHost: Bool

    init(_ tunnel: Tunnel, isHost: Bool) {
        self.tunnel = tunnel
        self.isHost = isHost
    }

    func channel(_ channel: SSHChannel, received data: ByteBuffer) { tunnel.passed(data, fromHost: isHost) }
    func channelEndOfFile(_ channel: SSHChannel) { tunnel.ended(fromHost: isHost) }
    func channel(_ channel: SSHChannel, writabilityChanged isWritable: Bool) {
        if isWritable { tunnel.hasRoom(atHost: isHost) }
    }
    func channel(_ channel: SSHChannel, closed error: SSHError?) { tunnel.closed(atHost: isHost) }
}
