import NIOCore
import SSHCrypto
import SSHKeys

@testable import SSHProtocol

/// Our client and our server joined without sockets, under a clock that only the test moves.
final class MachinePair {
    var client: ConnectionMachine
    var server: ConnectionMachine
    var clientEvents: [ConnectionEvent] = []
    var serverEvents: [ConnectionEvent] = []
    var now = NIODeadline.uptimeNanoseconds(1_000_000_000)
    /// The server's owner. By default everybody comes in.
    var authorize: (AuthorizationRequest) -> AuthorizationAnswer = { _ in .accept }
    var mayOffer: (PublicIdentity) -> Bool = { _ in true }
    /// The client's owner.
    var sign: (SignatureRequest) -> [UInt8]? = { _ in nil }
    var answers: (AuthenticationPrompt) -> [[UInt8]]? = { _ in nil }
    var newPassword: (PasswordChangePrompt) -> [UInt8]? = { _ in nil }
    /// Bytes that go into one read; nil: everything at once.
    var chunk: (() -> Int)?

    static let hostKey = SSHPrivateKey.generateEd25519()

    init(
        hostKeys: [HostKey] = [HostKey(privateKey: hostKey)],
        server changeServer: (inout ServerConfiguration) -> Void = { _ in },
        client changeClient: (inout ClientConfiguration) -> Void = { _ in }
    ) {
        var serverConfiguration = ServerConfiguration(hostKeys: hostKeys)
        serverConfiguration.keepaliveInterval = .zero
        changeServer(&serverConfiguration)
        var clientConfiguration = ClientConfiguration(username: "ada")
        clientConfiguration.keepaliveInterval = .zero
        changeClient(&clientConfiguration)
        server = ConnectionMachine(server: serverConfiguration, random: randomBytes)
        client = ConnectionMachine(client: clientConfiguration, random: randomBytes)
    }

    func begin() {
        client.start(now: now)
        server.start(now: now)
        pump()
    }

    func pump() {
        takeEvents()
        var isQuiet = false
        while !isQuiet {
            isQuiet = true
            while let bytes = client.drainOutput(now: now) {
                isQuiet = false
                deliver(bytes, toServer: true)
            }
            while let bytes = server.drainOutput(now: now) {
                isQuiet = false
                deliver(bytes, toServer: false)
            }
            takeEvents()
        }
    }

    private func deliver(_ bytes: ByteBuffer, toServer: Bool) {
        var rest = bytes
        while rest.readableBytes > 0 {
            let length = min(rest.readableBytes, max(1, chunk?() ?? rest.readableBytes))
            let piece = ByteBuffer(bytes: Array((rest.readSlice(length: length) ?? ByteBuffer()).readableBytesView))
            if toServer { server.receive(piece, now: now) } else { client.receive(piece, now: now) }
            takeEvents()
        }
    }

    func takeEvents() {
        while let event = client.nextEvent() {
            clientEvents.append(event)
            switch event {
            case .verifyHostKey: client.acceptHostKey(now: now)
            case .sign(let request): client.answerSignature(sign(request), now: now)
            case .prompt(let prompt): client.answerPrompt(answers(prompt), now: now)
            case .passwordExpired(let prompt): client.answerPasswordChange(newPassword(prompt), now: now)
            default: break
            }
        }
        while let event = server.nextEvent() {
            serverEvents.append(event)
            switch event {
            case .authorize(let request): server.answerAuthorization(authorize(request), now: now)
            case .mayOfferKey(_, let identity): server.answerKeyOffer(mayOffer(identity), now: now)
            default: break
            }
        }
    }

    /// Time passes, tick by tick.
    func wait(_ amount: TimeAmount) {
        let end = now + amount
        while let deadline = [client.nextDeadline, server.nextDeadline].compactMap({ $0 }).min(), deadline <= end {
            now = max(now, deadline)
            client.tick(now: now)
            server.tick(now: now)
            pump()
        }
        now = end
    }

    var isAuthenticated: Bool {
        clientEvents.contains(where: \.isAuthenticated) && serverEvents.contains(where: \.isAuthenticated)
    }

    var clientError: ProtocolError? { clientEvents.compactMap(\.ending).first }
    var serverError: ProtocolError? { serverEvents.compactMap(\.ending).first }

    var algorithms: NegotiatedAlgorithms? {
        for case .keysChanged(let algorithms) in clientEvents.reversed() { return algorithms }
        return nil
    }
}

extension ConnectionEvent {
    var isAuthenticated: Bool {
        if case .authenticated = self { return true }
        return false
    }

    var ending: ProtocolError? {
        guard case .closed(let error) = self else { return nil }
        return error
    }
}
