// What a client's connection asks and tells beside its own channels: the handshake's questions first, then what the host
// opens towards us.

import NIOCore
import SSHKeys
import SSHProtocol

/// What the driver tells the task that waits for the connection.
enum HandshakeEvent: Sendable {
    case hostKey(HostKeyOffer, serverIdentification: String, preface: String?)
    case prompt(AuthenticationPrompt)
    case sign(SignatureRequest, SSHSessionFacts)
    case passwordExpired(PasswordChangePrompt)
    case authenticated(serverIdentification: String)
    case failed(SSHError)
}

/// Loop-bound.
final class ClientConnectionOwner: ConnectionOwner {
    typealias IncomingHandler = (SSHIncomingChannel) -> Void

    private let handshake: AsyncStream<HandshakeEvent>.Continuation
    private let showBanner: @Sendable (String) -> Void
    /// Whoever holds the connection; channels that the host opens keep it alive like our own.
    weak var connection: SSHConnection?
    /// By what the host listens on; a TCP listener is found by its port, since hosts name its address in their own ways.
    private var forwards: [RemoteForward: IncomingHandler] = [:]
    private var portForwards: [UInt32: IncomingHandler] = [:]
    var agent: IncomingHandler?
    var x11: IncomingHandler?

    private let learnHostKeys: (@Sendable ([SSHPublicKey]) -> Void)?

    init(_ handshake: AsyncStream<HandshakeEvent>.Continuation, _ configuration: SSHClientConfiguration) {
        self.handshake = handshake
        showBanner = configuration.banner
        learnHostKeys = configuration.hostKeysOffered
    }

    func setHandler(_ handler: IncomingHandler?, of forward: RemoteForward) {
        switch forward {
        case .tcp(let address): portForwards[address.port] = handler
        case .unix: forwards[forward] = handler
        }
    }

    func connection(_ driver: ConnectionDriver, event: ConnectionEvent) {
        switch event {
        case .banner(let text):
            showBanner(text)
        case .verifyHostKey(let offer):
            let preface = driver.machine.preface
            handshake.yield(
                .hostKey(
                    offer, serverIdentification: driver.machine.serverIdentification,
                    preface: preface.isEmpty ? nil : preface))
        case .prompt(let prompt):
            handshake.yield(.prompt(prompt))
        case .sign(let request):
            handshake.yield(.sign(request, SSHSessionFacts(driver.machine)))
        case .passwordExpired(let prompt):
            handshake.yield(.passwordExpired(prompt))
        case .hostKeysOffered(let keys):
            learnHostKeys?(keys)
        case .authenticated:
            handshake.yield(.authenticated(serverIdentification: driver.machine.serverIdentification))
            handshake.finish()
        case .channelOpen(let id, let request):
            let bound = NIOLoopBound(driver, eventLoop: driver.eventLoop)
            open(SSHIncomingChannel(request: request, id: id, driver: bound, keeper: connection))
        case .globalRequest(let request):
            driver.answer(request, success: false)
        default:
            break
        }
    }

    private func open(_ incoming: SSHIncomingChannel) {
        let handler: IncomingHandler? =
            switch incoming.request {
            case .forwardedTCPIP(let connected, _): portForwards[connected.port]
            case .forwardedStreamLocal(let path): forwards[.unix(path: path)]
            case .agent: agent
            case .x11: x11
            case .session, .directTCPIP, .directStreamLocal: nil
            }
        guard let handler else { return incoming.refuse(.administrativelyProhibited, "nobody waits for it") }
        handler(incoming)
    }

    func connection(_ driver: ConnectionDriver, closed error: SSHError?) {
        handshake.yield(.failed(error ?? .connectionClosed))
        handshake.finish()
        forwards = [:]
        portForwards = [:]
        agent = nil
        x11 = nil
    }
}

extension SSHConnection {
    /// Takes what the host opens for agent forwarding (auth-agent@openssh.com), after a session asked for it with
    /// `requestAgentForwarding`. The handler runs on the event loop and accepts or refuses when it suits.
    public func handleAgentChannels(_ handler: (@Sendable (SSHIncomingChannel) -> Void)?) {
        onOwner { $0.agent = handler }
    }

    /// Takes what the host opens for X11 forwarding (RFC 4254 §6.3.2), after a session asked for it with `requestX11`.
    public func handleX11Channels(_ handler: (@Sendable (SSHIncomingChannel) -> Void)?) {
        onOwner { $0.x11 = handler }
    }

    private func onOwner(_ body: @escaping @Sendable (ClientConnectionOwner) -> Void) {
        let owner = boundOwner
        if eventLoop.inEventLoop {
            body(owner.value)
        } else {
            eventLoop.execute { body(owner.value) }
        }
    }
}
