// One connection of a server: its authentication is asked about, its channels are given to sessions and forwards.

import NIOCore
import SSHProtocol

/// What all connections of a server share.
struct ServerShared: Sendable {
    let configuration: SSHServerConfiguration
    let handlers: SSHServerHandlers
    let limiter: ConnectionLimiter
}

/// Loop-bound.
final class ServerConnectionOwner: ConnectionOwner {
    private let server: ServerShared
    private let startup: ConnectionLimiter.Startup
    private var connection: SSHServerConnection?
    private var forwards: ServerForwards?
    private var isStartup = true
    private var attempts = 0
    /// The question that is being answered.
    private var question: Task<Void, Never>?

    init(_ server: ServerShared, _ startup: ConnectionLimiter.Startup) {
        self.server = server
        self.startup = startup
    }

    func adopt(_ connection: SSHServerConnection, _ driver: NIOLoopBound<ConnectionDriver>) {
        self.connection = connection
        forwards = ServerForwards(connection, server, driver)
    }

    // MARK: Events

    func connection(_ driver: ConnectionDriver, event: ConnectionEvent) {
        guard let connection else { return }
        switch event {
        case .mayOfferKey(let username, let identity):
            guard server.handlers.judgesKeyOffers else { return driver.answerKeyOffer(true) }
            let (handlers, bound) = (server.handlers, NIOLoopBound(driver, eventLoop: driver.eventLoop))
            question = Task {
                let isAcceptable = await handlers.mayOfferKey(username, identity, connection)
                connection.eventLoop.execute { bound.value.answerKeyOffer(isAcceptable) }
            }
        case .authorize(let request):
            if request.method.name != "none" { attempts += 1 }
            let identification = driver.machine.peerIdentification
            connection.learned { $0.identification = identification }
            if let answer = server.handlers.authorizeAtOnce?(request, connection) {
                return driver.answerAuthorization(answer)
            }
            let (handlers, bound) = (server.handlers, NIOLoopBound(driver, eventLoop: driver.eventLoop))
            question = Task {
                let answer = await handlers.authorize(request, connection)
                connection.eventLoop.execute { bound.value.answerAuthorization(answer) }
            }
        case .authenticated:
            authenticated(driver, connection)
        case .channelOpen(let id, let request):
            open(id, request, driver, connection)
        case .globalRequest(let request):
            forwards?.receive(request)
        default:
            break
        }
    }

    private func authenticated(_ driver: ConnectionDriver, _ connection: SSHServerConnection) {
        endStartup(.authenticated)
        guard let user = driver.machine.authenticatedUser else { return }
        connection.learned { $0.user = user }
        server.handlers.observe(.authenticated(connection, user))
    }

    private func open(
        _ id: ChannelID, _ request: ChannelOpenRequest, _ driver: ConnectionDriver, _ connection: SSHServerConnection
    ) {
        let bound = NIOLoopBound(driver, eventLoop: driver.eventLoop)
        let incoming = SSHIncomingChannel(request: request, id: id, driver: bound, keeper: nil)
        if connection.user != nil, server.handlers.takeChannel?(incoming, connection) == true { return }
        switch request {
        case .session:
            guard let user = connection.user else { return incoming.refuse() }
            driver.confirm(id)
            driver.adopt(
                id,
                owner: ServerSessionOwner(id, user: user, connection: connection, server: server, driver: driver))
        case .directTCPIP(let target, _):
            forwards?.connect(incoming, to: .tcp(host: target.host, port: Int(target.port)))
        case .directStreamLocal(let path):
            forwards?.connect(incoming, to: .unix(path: path))
        case .forwardedTCPIP, .forwardedStreamLocal, .agent, .x11:
            incoming.refuse()
        }
    }

    // MARK: The end

    func connection(_ driver: ConnectionDriver, closed error: SSHError?) {
        question?.cancel()
        question = nil
        switch error?.code {
        case .handshakeTimeout: endStartup(.graceExceeded)
        default: endStartup(attempts > 0 ? .authenticationFailed : .noAuthentication)
        }
        forwards?.end()
        forwards = nil
        if let connection { server.handlers.observe(.closed(connection, error)) }
        connection = nil
    }

    private func endStartup(_ outcome: StartupOutcome) {
        guard isStartup else { return }
        isStartup = false
        server.limiter.end(startup, outcome, from: connection?.remoteAddress)
    }
}

extension ConnectionDriver {
    func answerKeyOffer(_ isAcceptable: Bool) {
        machine.answerKeyOffer(isAcceptable, now: .now())
        turn()
    }

    func answerAuthorization(_ answer: AuthorizationAnswer) {
        machine.answerAuthorization(answer, now: .now())
        turn()
    }
}
