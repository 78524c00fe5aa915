// Packets of the transport layer, and the way of every packet to whom it concerns.

public import NIOCore
import SSHKeys

extension ConnectionMachine {
    /// The state that decides what may be received.
    var admissionState: AdmissionState {
        if case .closed = phase { return .closed }
        let isFirst = keyExchange.isInitial || phase.isHandshake
        switch keyExchange.state {
        case .idle, .initSent:
            break
        case .replyAwaited, .decisionAwaited:
            return !isFirst ? .laterExchange : keyExchange.isStrict ? .strictFirstExchange : .firstExchange
        case .newKeysAwaited:
            return !isFirst ? .laterNewKeys : keyExchange.isStrict ? .strictFirstNewKeys : .firstNewKeys
        }
        switch phase {
        case .idle, .identification, .handshake: return .firstInit
        case .service: return .service
        case .authentication: return .authentication
        case .connected: return .connected
        case .closed: return .closed
        }
    }

    /// One verified payload.
    mutating func receive(_ packet: ByteBuffer) throws(ProtocolError) {
        var payload = packet
        guard let number = payload.readInteger(as: UInt8.self) else {
            throw .malformed("The host sent an empty packet.")
        }
        switch AdmissionTable.admission(of: number, role: .client, state: admissionState) {
        case .handle:
            try handle(MessageNumber(rawValue: number), payload, packet)
        case .ignore:
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
        switch number {
        case .channelData, .channelExtendedData:
            try receiveData(payload, isExtended: number == .channelExtendedData)
        case .disconnect:
            receiveDisconnect(Disconnect(payload))
        case .keyExchangeInit:
            try receiveKeyExchangeInit(packet)
        case .ecdhReply:
            try receiveKeyExchangeReply(payload)
        case .newKeys:
            try receiveNewKeys(payload)
        case .serviceAccept, .extensionInfo, .userAuthFailure, .userAuthSuccess, .userAuthBanner, .userAuthMethod60:
            try receiveAuthentication(number, payload)
        case .ping:
            try receivePing(payload)
        default:
            try receiveConnection(number, payload)
        }
    }

    private mutating func receiveDisconnect(_ message: Disconnect) {
        let words = DisplayText.neutralise(message.description, limit: 300)
        let said = words.isEmpty ? "reason \(message.reason.rawValue)" : words
        fail(
            ProtocolError(.disconnectedByPeer, "The host ended the connection: \(said)", reason: message.reason),
            tellsPeer: false)
    }

    /// OpenSSH's PROTOCOL §1.9: the same data comes back.
    private mutating func receivePing(_ payload: ByteBuffer) throws(ProtocolError) {
        var reader = MessageReader(payload, of: "PING")
        let data = try reader.bytes()
        try reader.end()
        var pong = ByteBuffer(message: .pong, capacity: data.count + 8)
        pong.writeSSHString(data)
        try send(pong)
    }

    /// Packets that are read past cost us work and the peer nothing: before authentication there is an end to it. It
    /// also keeps the sequence number from wrapping within the first exchange.
    private func limitHandshakePackets() throws(ProtocolError) {
        guard phase.isHandshake, transport.reader.packets > 1024 else { return }
        throw ProtocolError(
            .limitExceeded, "The host sent too many packets before its key exchange.", reason: .protocolError)
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
        guard case .connected = phase, keyExchange.isIdle, transport.wantsNewKeys(configuration.rekey) else { return }
        try sendKeyExchangeInit()
    }

    private mutating func receiveKeyExchangeInit(_ packet: ByteBuffer) throws(ProtocolError) {
        if keyExchange.isIdle { try sendKeyExchangeInit() }
        let isFirstPacket = transport.reader.packets == 1 && keyExchange.isInitial
        try transport.send(try keyExchange.receiveInit(packet, isFirstPacket: isFirstPacket))
    }

    private mutating func receiveKeyExchangeReply(_ payload: ByteBuffer) throws(ProtocolError) {
        if let offer = try keyExchange.receiveReply(payload, serverIdentification: serverIdentification) {
            question = .hostKey
            timers.questionAsked()
            emit(.verifyHostKey(offer))
        } else {
            try sendNewKeys()
        }
    }

    /// Our NEWKEYS, once the peer's proof is verified and accepted.
    private mutating func sendNewKeys() throws(ProtocolError) {
        guard let sealer = try keyExchange.makeSealer() else { return }
        try transport.sendNewKeys(sealer, isStrict: keyExchange.isStrict)
    }

    private mutating func receiveNewKeys(_ payload: ByteBuffer) throws(ProtocolError) {
        let reader = MessageReader(payload, of: "NEWKEYS")
        try reader.end()
        let (opener, algorithms) = try keyExchange.receiveNewKeys()
        transport.reader.install(opener, resetsSequence: keyExchange.isStrict)
        timers.keyExchangeEnded()
        if phase.isHandshake { phase = .service }
        emit(.keysChanged(algorithms))
    }

    // MARK: The host key

    /// The owner accepts the host key: NEWKEYS and the request for authentication leave in one flight.
    public mutating func acceptHostKey(now: NIODeadline) {
        guard case .hostKey = question else { return }
        question = .none
        timers.questionAnswered(now)
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
