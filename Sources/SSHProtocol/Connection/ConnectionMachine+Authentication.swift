// From the keys to the user, at the client's end: RFC 4253 §10, RFC 4252, RFC 8308.

public import NIOCore
import SSHKeys

extension ConnectionMachine {
    mutating func receiveAuthentication(_ number: MessageNumber, _ payload: ByteBuffer) throws(ProtocolError) {
        switch number {
        case .serviceAccept:
            guard try ServiceName(payload).name == ServiceName.userAuth else {
                throw .unexpected("The host granted a service that nobody asked for.")
            }
            phase = .authentication
            try withClientAuth { auth, binding throws(ProtocolError) in try auth.begin(binding) }
        case .userAuthFailure:
            try withClientAuth { auth, binding throws(ProtocolError) in try auth.receiveFailure(payload, binding) }
        case .userAuthMethod60:
            try withClientAuth { auth, binding throws(ProtocolError) in
                try auth.receiveMethodMessage(payload, binding)
            }
        case .userAuthBanner:
            receiveBanner(try UserAuthBanner(payload))
        default:
            let reader = MessageReader(payload, of: "USERAUTH_SUCCESS")
            try reader.end()
            try take(.authenticated)
        }
    }

    /// EXT_INFO (RFC 8308 §2.3), in either role.
    mutating func receiveExtensionInfo(_ payload: ByteBuffer) throws(ProtocolError) {
        let info = try ExtensionInfo(payload)
        sendsPing = sendsPing || info.supportsPing
        if let algorithms = info.serverSignatureAlgorithms { clientAuth?.serverSignatureAlgorithms = algorithms }
        if info.supportsHostbound { clientAuth?.serverSupportsHostbound = true }
    }

    // MARK: Answers of the owner

    /// Answers the questions of a `prompt` event.
    ///
    /// - Parameters:
    ///   - answers: One for each question, or nil to give this credential up.
    ///   - now: The time of the answer.
    public mutating func answerPrompt(_ answers: [[UInt8]]?, now: NIODeadline) {
        guard case .prompt = question else { return }
        answerClientAuth(now) { auth, binding throws(ProtocolError) in try auth.answer(answers, binding) }
    }

    /// Answers a `passwordExpired` event; nil gives the password up.
    public mutating func answerPasswordChange(_ new: [UInt8]?, now: NIODeadline) {
        guard case .passwordChange = question else { return }
        answerClientAuth(now) { auth, binding throws(ProtocolError) in try auth.answerPasswordChange(new, binding) }
    }

    /// Answers a `sign` event with a whole signature blob: a string with the algorithm, a string with the signature. nil
    /// gives the key up.
    public mutating func answerSignature(_ signature: [UInt8]?, now: NIODeadline) {
        guard case .signature = question else { return }
        answerClientAuth(now) { auth, binding throws(ProtocolError) in try auth.answerSignature(signature, binding) }
    }

    private mutating func answerClientAuth(
        _ now: NIODeadline,
        _ step: (inout ClientAuthMachine, ClientAuthMachine.Binding) throws(ProtocolError) -> ClientAuthMachine.Step
    ) {
        answered(now)
        attempt { machine throws(ProtocolError) in try machine.withClientAuth(step) }
    }

    private mutating func withClientAuth(
        _ step: (inout ClientAuthMachine, ClientAuthMachine.Binding) throws(ProtocolError) -> ClientAuthMachine.Step
    ) throws(ProtocolError) {
        guard var auth = clientAuth else { return }
        let binding = ClientAuthMachine.Binding(
            sessionID: sessionID, hostKey: keyExchange.hostIdentity?.blob ?? [])
        let next: ClientAuthMachine.Step
        do throws(ProtocolError) {
            next = try step(&auth, binding)
            clientAuth = auth
        } catch {
            clientAuth = auth
            throw error
        }
        try take(next)
    }

    private mutating func take(_ step: ClientAuthMachine.Step) throws(ProtocolError) {
        switch step {
        case .send(let message):
            try send(message)
        case .ask(let prompt):
            ask(.prompt, .prompt(prompt))
        case .sign(let request):
            ask(.signature, .sign(request))
        case .changePassword(let prompt):
            ask(.passwordChange, .passwordExpired(prompt))
        case .authenticated:
            try beginConnection()
        }
    }

    /// Banners are for people and have an end: what lies beyond the limits is read past.
    private mutating func receiveBanner(_ banner: UserAuthBanner) {
        banners.count += 1
        banners.bytes += banner.text.utf8.count
        guard banners.count <= Self.maximumBanners, banners.bytes <= Self.maximumBannerBytes else { return }
        emit(.banner(banner.text))
    }
}
