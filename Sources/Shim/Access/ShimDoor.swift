// One place where local clients come in: who may, and which host lies behind it.

import NIOCore
public import SSH

/// Where a shim listens, and for whom.
public struct ShimDoor: Sendable {
    /// Who may come in.
    public enum Admission: Sendable {
        /// Whoever proves to have one of these keys.
        case owner(OwnerKeys)
        /// Whoever reaches a unix socket that lies in a folder which only its owner may enter.
        case folderOwner
        /// Every account of this machine. Loopback only.
        case anyLocalUser
    }

    public var endpoint: SSHForwardEndpoint
    public var admits: Admission
    /// Where the door leads under any user name; nil: the user name picks the upstream.
    public var upstream: String?

    public init(_ endpoint: SSHForwardEndpoint, admits: Admission, upstream: String? = nil) {
        self.endpoint = endpoint
        self.admits = admits
        self.upstream = upstream
    }

    func serverConfiguration(_ hostKeys: [SSHPrivateKey]) -> SSHServerConfiguration {
        var configuration = SSHServerConfiguration(hostKeys: hostKeys.map { HostKey(privateKey: $0) })
        configuration.core.algorithms = .loopback
        configuration.core.loginGraceTime = .seconds(60)
        // Its keys are in the snippet's file; what a client would learn here it cannot use elsewhere.
        configuration.core.announcesHostKeys = false
        // Nobody watches the rhythm of key strokes on loopback.
        configuration.core.advertisesPing = false
        // Limits are the host's: what it refuses on one connection is asked for on another.
        configuration.core.maximumChannels = 4096
        configuration.core.maximumSessions = 4096
        // Hundreds of commands may start at once, all from one address; the owner is not to be locked out by others.
        configuration.startups = StartupLimits(start: 512, rate: 30, full: 1024, perSource: 1024)
        configuration.penalties = nil
        configuration.maximumListeners = 1024
        return configuration
    }

    func handlers(
        _ upstreams: NIOLoopBound<ShimUpstreams>, _ observe: @escaping @Sendable (ShimEvent) -> Void
    ) -> SSHServerHandlers {
        let (admits, name) = (admits, upstream)
        var handlers = SSHServerHandlers { request, _ in
            switch (admits, request.method) {
            case (.owner(let keys), .publicKey(let identity, _, _)):
                return await keys.contains(identity) ? .accept : .refuse
            case (.owner, _): return .refuse
            case (.folderOwner, _), (.anyLocalUser, _): return .accept
            }
        }
        if case .owner(let keys) = admits {
            handlers.mayOfferKey = { _, identity, _ in
                let isGood = await keys.contains(identity)
                if !isGood {
                    observe(.refused("a client offered the key \(identity.publicKey.fingerprint), which is not yours"))
                }
                return isGood
            }
        }
        handlers.takeChannel = { incoming, connection in
            guard let username = connection.user?.username else { return false }
            let all = upstreams.value
            if let upstream = all.find(name, username: username) {
                upstream.take(incoming, of: connection)
            } else {
                RefusedSession.refuse(incoming, .connectFailed, all.unknown(username))
            }
            return true
        }
        handlers.forwarding = SSHServerForwarding(
            connect: { _, _ in .refuse(.administrativelyProhibited, "") },
            listen: { endpoint, connection in await Self.listen(endpoint, connection, name, upstreams) })
        handlers.observe = { event in
            switch event {
            case .closed(let connection, _):
                for upstream in upstreams.value.upstreams { upstream.left(connection) }
            case .refused: observe(.refused("too many clients are at the door at once"))
            case .connected, .authenticated: break
            }
        }
        return handlers
    }

    private static func listen(
        _ endpoint: SSHForwardEndpoint, _ connection: SSHServerConnection, _ name: String?,
        _ upstreams: NIOLoopBound<ShimUpstreams>
    ) async -> SSHListenDecision {
        let eventLoop = upstreams.eventLoop
        let asked = try? await eventLoop.flatSubmit {
            guard let username = connection.user?.username,
                let upstream = upstreams.value.find(name, username: username)
            else {
                return eventLoop.makeSucceededFuture(Asked?.none)
            }
            let (listener, answer) = upstream.listen(on: endpoint, for: connection)
            let bound = NIOLoopBound((upstream, listener), eventLoop: eventLoop)
            return answer.map { granted in granted.map { Asked(granted: $0, listener: bound) } }
        }.get()
        guard let asked = asked ?? nil else { return .refuse }
        return .handle(port: asked.granted.port ?? 0) {
            let (upstream, listener) = asked.listener.value
            upstream.end(listener)
        }
    }

    /// A listener that stands at the host.
    private struct Asked: Sendable {
        var granted: SSHForwardEndpoint
        var listener: NIOLoopBound<(Upstream, RemoteListener)>
    }
}

extension AlgorithmPreferences {
    /// For clients of this machine: sntrup761 would cost them a millisecond for each connection, and protects nothing here.
    /// The post-quantum exchange that costs nothing stays, since newer clients warn without one.
    static let loopback = AlgorithmPreferences(
        keyExchange: KeyExchangeMethod.allCases.filter {
            !$0.isLegacy && $0 != .sntrup761x25519 && $0 != .sntrup761x25519OpenSSH
        })
}
