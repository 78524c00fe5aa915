// From the keys to the user: RFC 4253 §10, RFC 4252, RFC 8308.

public import NIOCore

extension ConnectionMachine {
    mutating func receiveAuthentication(_ number: MessageNumber, _ payload: ByteBuffer) throws(ProtocolError) {
        switch number {
        case .serviceAccept:
            guard try ServiceName(payload).name == ServiceName.userAuth else {
                throw .unexpected("The host granted a service that nobody asked for.")
            }
            phase = .authentication
            try send(auth.begin())
        case .extensionInfo:
            let info = try ExtensionInfo(payload)
            auth.serverSignatureAlgorithms = info.serverSignatureAlgorithms ?? auth.serverSignatureAlgorithms
        case .userAuthFailure:
            try take(try auth.receiveFailure(payload, sessionID: keyExchange.sessionID ?? []))
        case .userAuthMethod60:
            try take(try auth.receiveMethodMessage(payload))
        case .userAuthBanner:
            receiveBanner(try UserAuthBanner(payload))
        default:
            let reader = MessageReader(payload, of: "USERAUTH_SUCCESS")
            try reader.end()
            try take(.authenticated)
        }
    }

    /// Answers the questions of a `prompt` event.
    ///
    /// - Parameters:
    ///   - answers: One for each question, or nil to give this credential up.
    ///   - now: The time of the answer.
    public mutating func answerPrompt(_ answers: [[UInt8]]?, now: NIODeadline) {
        guard case .prompt = question else { return }
        question = .none
        timers.questionAnswered(now)
        attempt { machine throws(ProtocolError) in
            try machine.send(
                try machine.auth.answer(answers, sessionID: machine.keyExchange.sessionID ?? []))
        }
    }

    private mutating func take(_ step: ClientAuthMachine.Step) throws(ProtocolError) {
        switch step {
        case .send(let message):
            try send(message)
        case .ask(let prompt):
            question = .prompt
            timers.questionAsked()
            emit(.prompt(prompt))
        case .authenticated:
            phase = .connected
            transport.reader.maximumLength = PacketReader.maximumLength
            timers.authenticated()
            emit(.authenticated)
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
