// Packets of the transport layer, and the way of every packet to whom it concerns.

public import NIOCore
import SSHKeys

extension ConnectionMachine {
    /// The state that decides what may be received.
    var admissionState: AdmissionState {
        if case .closed = phase { return .closed }
        switch keyExchange.state {
        case .idle, .initSent:
            break
        case .exchanging(let exchange):
            return .exchange(exchange.due, admittedExchange)
        // While the owner thinks nothing is read; this is what would be due if it were.
        case .decisionAwaited, .newKeysAwaited:
            return .exchange(.newKeys, admittedExchange)
        }
        switch phase {
        case .idle, .identification, .handshake: return .firstInit
        case .service: return .service
        case .authentication:
            let hasMessages = clientAuth?.expectsMethodMessage ?? serverAuth?.awaitsResponse ?? false
            return hasMessages ? .interaction : .authentication
        case .connected: return .connected
        case .closed: return .closed
        }
    }

    private var admittedExchange: AdmissionState.Exchange {
        if keyExchange.isInitial || phase.isHandshake { return keyExchange.isStrict ? .strictFirst : .first }
        return .later(.init(requests: globalRequests.isAnswerDue, openings: channels.unconfirmed > 0))
    }

    /// One verified payload.
    mutating func receive(_ packet: ByteBuffer) throws(ProtocolError) {
        var payload = packet
        guard let number = payload.readInteger(as: UInt8.self) else {
            throw .malformed("The host sent an empty packet.")
        }
        switch AdmissionTable.admission(of: number, role: role, state: admissionState) {
        case .handle:
            try handle(MessageNumber(rawValue: number), payload, packet)
        case .ignore:
            if phase.isHandshake { hasHandshakeFiller = true }
            try limitHandshakePackets()
        case .unimplemented:
            try send(Unimplemented(sequenceNumber: transport.reader.sequenceNumber &- 1).encoded)
        case .refuse:
            throw .unexpected("The host sent message \(number) when it must not.")
        }
        try rekeyIfDue()
    }

    private mutating func handle(
        _ number: MessageNumber, _ payload: ByteBuffer, _ packet: ByteBuffer
    ) throws(ProtocolError) {
        timers.carried(number.rawValue)
        switch number {
        case .channelData, .channelExtendedData:
            try receiveData(payload, isExtended: number == .channelExtendedData)
        case .disconnect:
            receiveDisconnect(Disconnect(payload))
        case .keyExchangeInit:
            try receiveKeyExchangeInit(packet)
        case .newKeys:
            try receiveNewKeys(payload)
        case .extensionInfo:
            try receiveExtensionInfo(payload)
        case .serviceRequest:
            try receiveServiceRequest(payload)
        case .userAuthRequest, .userAuthInfoResponse:
            try receiveServerAuthentication(number, payload)
        case .serviceAccept, .userAuthFailure, .userAuthSuccess, .userAuthBanner, .userAuthMethod60:
            try receiveAuthentication(number, payload)
        case .ping:
            // OpenSSH's PROTOCOL §1.9: the same data comes back.
            try send(try Ping(payload).encoded(.pong))
        case .pong:
            try receivePong(try Ping(payload))
        default:
            try number.isKeyExchangeMethod
                ? receiveKeyExchangeMessage(payload) : receiveConnection(number, payload)
        }
    }

    private mutating func receiveDisconnect(_ message: Disconnect) {
        let words = DisplayText.neutralise(message.description, limit: 300)
        let said = words.isEmpty ? "reason \(message.reason.rawValue)" : words
        fail(
            ProtocolError(.disconnectedByPeer, "The host ended the connection: \(said)", reason: message.reason),
            tellsPeer: false)
    }

    /// Asks for a sign of life with ping@openssh.com, which measures the way there and back; `pong` follows. Does nothing
    /// with a peer that did not announce it, or while many are unanswered.
    ///
    /// - Returns: Whether a ping is on its way.
    public mutating func sendPing() -> Bool {
        guard case .connected = phase, sendsPing, pings < Self.maximumPings else { return false }
        pings += 1
        attempt { machine throws(ProtocolError) in try machine.send(Ping(data: []).encoded(.ping)) }
        return true
    }

    private mutating func receivePong(_ pong: Ping) throws(ProtocolError) {
        // One that answers nothing is dropped: it harms nobody.
        guard pings > 0 else { return }
        pings -= 1
        emit(.pong)
    }

    /// Packets that are read past cost us work and the peer nothing: before authentication there is an end to it. It
    /// also keeps the sequence number from wrapping within the first exchange.
    private func limitHandshakePackets() throws(ProtocolError) {
        guard phase.isHandshake, transport.reader.packets > 1024 else { return }
        throw ProtocolError(
            .limitExceeded, "The host sent too many packets before its key exchange.", reason: .protocolError)
    }

    /// Who adds a packet before the keys may take one away after them, and the count of packets still fits
    /// (CVE-2023-48795). Strict order refuses the first; without it, it is refused where the second would go unnoticed.
    private func refuseHiddenCut(_ algorithms: NegotiatedAlgorithms) throws(ProtocolError) {
        guard phase.isHandshake, hasHandshakeFiller, algorithms.isOpenToTruncation else { return }
        throw .unexpected(
            "The host does not know strict key exchange and sent packets without meaning before its keys: "
                + "somebody may be cutting off others.")
    }

    // MARK: Key exchange

    /// Begins a key exchange by the owner's wish; does nothing while one is in progress or before authentication.
    public mutating func beginRekey(now: NIODeadline) {
        guard case .connected = phase, keyExchange.isIdle else { return }
        timers.now = max(timers.now, now)
        attempt { machine throws(ProtocolError) in try machine.sendKeyExchangeInit() }
    }

    mutating func sendKeyExchangeInit() throws(ProtocolError) {
        timers.keyExchangeBegan()
        try transport.sendKeyExchangeInit(keyExchange.begin())
    }

    mutating func rekeyIfDue() throws(ProtocolError) {
        guard case .connected = phase, keyExchange.isIdle, transport.wantsNewKeys(settings.rekey) else { return }
        try sendKeyExchangeInit()
    }

    private mutating func receiveKeyExchangeInit(_ packet: ByteBuffer) throws(ProtocolError) {
        if keyExchange.isIdle { try sendKeyExchangeInit() }
        let isFirstPacket = transport.reader.packets == 1 && keyExchange.isInitial
        if let first = try keyExchange.receiveInit(packet, isFirstPacket: isFirstPacket) { try transport.send(first) }
    }

    private mutating func receiveKeyExchangeMessage(_ payload: ByteBuffer) throws(ProtocolError) {
        switch try keyExchange.receive(payload) {
        case .nothing:
            break
        case .send(let message):
            try transport.send(message)
        case .ask(let offer):
            ask(.hostKey, .verifyHostKey(offer))
        case .agreed(let reply):
            if let reply { try transport.send(reply) }
            try sendNewKeys()
        }
    }

    /// Our NEWKEYS, once the host's proof is made, or verified and accepted. EXT_INFO follows our first one at once (RFC
    /// 8308 §2.4).
    private mutating func sendNewKeys() throws(ProtocolError) {
        guard let (sealer, compression) = try keyExchange.makeSealer() else { return }
        try transport.sendNewKeys(sealer, compression, isStrict: keyExchange.isStrict)
        if phase.isHandshake, keyExchange.peerTakesExtensionInfo { try transport.send(extensionInfo.encoded) }
    }

    private var extensionInfo: ExtensionInfo {
        var info = ExtensionInfo()
        if let serverConfiguration {
            info.serverSignatureAlgorithms = serverConfiguration.acceptedUserKeyAlgorithms
            info.supportsHostbound = true
            info.supportsPing = serverConfiguration.advertisesPing
        } else {
            info.acceptsDuringAuthentication = true
        }
        return info
    }

    private mutating func receiveNewKeys(_ payload: ByteBuffer) throws(ProtocolError) {
        let reader = MessageReader(payload, of: "NEWKEYS")
        try reader.end()
        let (opener, compression, algorithms) = try keyExchange.receiveNewKeys()
        try refuseHiddenCut(algorithms)
        try transport.reader.install(opener, compression, resetsSequence: keyExchange.isStrict)
        timers.keyExchangeEnded()
        if phase.isHandshake { phase = .service }
        emit(.keysChanged(algorithms))
    }

    // MARK: The host key

    /// The owner accepts the host key: NEWKEYS and the request for authentication leave in one flight.
    public mutating func acceptHostKey(now: NIODeadline) {
        guard case .hostKey = question else { return }
        answered(now)
        attempt { machine throws(ProtocolError) in
            try machine.keyExchange.accept()
            try machine.sendNewKeys()
            try machine.send(ServiceName(ServiceName.userAuth).request)
        }
    }

    /// The owner refuses the host key: the connection ends before anything secret was sent.
    ///
    /// - Parameter reason: A sentence for people; it stays on this side.
    public mutating func refuseHostKey(reason: String) {
        guard case .hostKey = question else { return }
        fail(ProtocolError(.hostKeyRefused, reason, reason: .hostKeyNotVerifiable), tellsPeer: true)
    }
}

extension ConnectionMachine.Phase {
    var isHandshake: Bool {
        switch self {
        case .idle, .identification, .handshake: true
        case .service, .authentication, .connected, .closed: false
        }
    }
}

extension MessageNumber {
    fileprivate var isKeyExchangeMethod: Bool { (30...49).contains(rawValue) }
}

extension KeyExchangeMachine.Exchange {
    fileprivate var due: AdmissionState.Due {
        if ignoresNextPacket { return .guess }
        return switch step {
        case .shareAwaited, .replyAwaited: .share
        case .groupRequestAwaited, .groupAwaited: .group
        case .groupShareAwaited, .groupReplyAwaited: .groupShare
        }
    }
}
