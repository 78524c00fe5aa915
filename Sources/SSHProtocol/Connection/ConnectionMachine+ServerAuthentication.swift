// From the keys to the user, at the server's end: RFC 4253 §10, RFC 4252, RFC 8308.

public import NIOCore
import SSHKeys

extension ConnectionMachine {
    /// Who was let in, and by what; nil before that, and at a client's end.
    public var authenticatedUser: AuthenticatedUser? { user }

    /// SERVICE_REQUEST (RFC 4253 §10).
    mutating func receiveServiceRequest(_ payload: ByteBuffer) throws(ProtocolError) {
        let service = try ServiceName(payload)
        guard service.name == ServiceName.userAuth else {
            throw ProtocolError(
                .unexpectedMessage,
                "The host asked for the service \(DisplayText.neutralise(service.name, limit: 64)) before authentication.",
                reason: .serviceNotAvailable)
        }
        // Some clients ask again before each attempt; it costs them an attempt.
        if case .authentication = phase { try serverAuth?.count() }
        phase = .authentication
        try send(service.accept)
    }

    /// USERAUTH_REQUEST and USERAUTH_INFO_RESPONSE.
    mutating func receiveServerAuthentication(
        _ number: MessageNumber, _ payload: ByteBuffer
    ) throws(ProtocolError) {
        if number == .userAuthRequest, serverAuth?.isFirst == true, let banner = serverConfiguration?.banner {
            try send(UserAuthBanner(text: banner).encoded)
        }
        let binding = ServerAuthMachine.Binding(sessionID: sessionID, hostKey: keyExchange.hostIdentity?.blob ?? [])
        try withServerAuth { auth throws(ProtocolError) in
            number == .userAuthRequest ? try auth.receive(payload, binding) : try auth.receiveResponse(payload)
        }
    }

    /// Answers an `authorize` event.
    public mutating func answerAuthorization(_ answer: AuthorizationAnswer, now: NIODeadline) {
        guard case .authorization = question else { return }
        answered(now)
        attempt { machine throws(ProtocolError) in
            try machine.withServerAuth { auth throws(ProtocolError) in try auth.answer(answer) }
        }
    }

    /// Answers a `mayOfferKey` event: whether a signature with this key would be worth the user's while. It is a hint and
    /// lets nobody in.
    public mutating func answerKeyOffer(_ isAcceptable: Bool, now: NIODeadline) {
        guard case .keyOffer = question else { return }
        answered(now)
        attempt { machine throws(ProtocolError) in
            try machine.withServerAuth { auth throws(ProtocolError) in try auth.answerOffer(isAcceptable) }
        }
    }

    private mutating func withServerAuth(
        _ step: (inout ServerAuthMachine) throws(ProtocolError) -> ServerAuthMachine.Step
    ) throws(ProtocolError) {
        guard var auth = serverAuth else { return }
        let next: ServerAuthMachine.Step
        do throws(ProtocolError) {
            next = try step(&auth)
            serverAuth = auth
        } catch {
            serverAuth = auth
            throw error
        }
        try take(next)
    }

    private mutating func take(_ step: ServerAuthMachine.Step) throws(ProtocolError) {
        switch step {
        case .send(let message):
            try send(message)
        case .authorize(let request):
            ask(.authorization, .authorize(request))
        case .mayOfferKey(let username, let identity):
            ask(.keyOffer, .mayOfferKey(username: username, identity))
        case .authenticated(let user):
            self.user = user
            try send(ByteBuffer(message: .userAuthSuccess, capacity: 1))
            try beginConnection()
            try announceHostKeys()
        }
    }
}
