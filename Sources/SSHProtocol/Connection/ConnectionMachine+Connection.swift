// Messages of the connection protocol from the peer: RFC 4254 §4-6.

import NIOCore

extension ConnectionMachine {
    mutating func receiveConnection(_ number: MessageNumber, _ payload: ByteBuffer) throws(ProtocolError) {
        switch number {
        case .globalRequest:
            try receiveGlobalRequest(try GlobalRequest(payload))
        case .requestSuccess, .requestFailure:
            try receiveGlobalAnswer(payload, isSuccess: number == .requestSuccess)
        case .channelOpen:
            try receiveOpen(try ChannelOpen(payload))
        case .channelOpenConfirmation:
            try receiveConfirmation(try ChannelOpenConfirmation(payload))
        case .channelOpenFailure:
            try receiveOpenFailure(try ChannelOpenFailure(payload))
        case .channelWindowAdjust:
            try receiveAdjust(try ChannelWindowAdjust(payload))
        case .channelEOF:
            try receiveEOF(try ChannelNotice(payload).recipient)
        case .channelClose:
            try receiveClose(try ChannelNotice(payload).recipient)
        case .channelRequest:
            try receiveRequest(try ChannelRequest(payload))
        case .channelSuccess, .channelFailure:
            try receiveAnswer(try ChannelNotice(payload).recipient, isSuccess: number == .channelSuccess)
        default:
            throw .unexpected("The peer sent message \(number.rawValue) when it must not.")
        }
    }

    // MARK: Global requests

    private mutating func receiveGlobalRequest(_ request: GlobalRequest) throws(ProtocolError) {
        let token = makeToken()
        if role == .server, request.name == GlobalRequest.noMoreSessions {
            channels.isClosedToSessions = true
            return try answerGlobal(token, request.wantsReply ? .success(ByteBuffer()) : nil)
        }
        if role == .client, request.name == HostKeyRotation.announcement { try receiveHostKeys(request.body) }
        if role == .server, request.name == HostKeyRotation.proof, request.wantsReply,
            var proofs = try hostKeyProofs(request.body)
        {
            // What follows the message number.
            proofs.moveReaderIndex(forwardBy: 1)
            return try answerGlobal(token, .success(proofs.slice()))
        }
        guard role == .server, let kind = InboundGlobalRequest.Kind(request) else {
            // keepalive@openssh.com wants any answer; what is unknown gets the same one.
            return try answerGlobal(token, request.wantsReply ? .failure : nil)
        }
        if request.wantsReply { globalRequests.inbound.ask(token) }
        emit(.globalRequest(InboundGlobalRequest(kind: kind, token: token, wantsReply: request.wantsReply)))
    }

    /// An answer that needs no owner, in its turn.
    private mutating func answerGlobal(
        _ token: RequestToken, _ answer: GlobalRequests.Answer?
    ) throws(ProtocolError) {
        guard let answer else { return }
        globalRequests.inbound.ask(token, answer: answer)
        try sendGlobalAnswers()
    }

    mutating func sendGlobalAnswers() throws(ProtocolError) {
        while let answer = globalRequests.inbound.next() {
            switch answer {
            case .failure:
                try send(ByteBuffer(message: .requestFailure, capacity: 1))
            case .success(let data):
                var message = ByteBuffer(message: .requestSuccess, capacity: 8)
                message.writeImmutableBuffer(data)
                try send(message)
            }
        }
    }

    private mutating func receiveGlobalAnswer(_ payload: ByteBuffer, isSuccess: Bool) throws(ProtocolError) {
        switch globalRequests.popFirst() {
        case nil, .keepalive:
            break
        case .ping(let token):
            emit(.globalReply(token, isSuccess))
        case .windowProbe(let id):
            channels.growWindow(id)
        case .hostKeyProofs(let keys):
            try receiveHostKeyProofs(isSuccess ? payload : nil, of: keys)
        case .forward(let token, .tcp(var address)) where isSuccess && address.port == 0:
            // RFC 4254 §7.1: the port that the server chose. Without a usable one nothing could ever be matched.
            var reader = MessageReader(payload, of: "REQUEST_SUCCESS")
            address.port = (try? reader.uint32()) ?? 0
            let isUsable = (1...65535).contains(address.port)
            if isUsable { globalRequests.forwards.insert(.tcp(address)) }
            emit(.forwardAnswer(token, isUsable ? .tcp(address) : nil))
        case .forward(let token, let forward):
            if isSuccess { globalRequests.forwards.insert(forward) }
            emit(.forwardAnswer(token, isSuccess ? forward : nil))
        case .cancelForward(let token, let forward):
            if isSuccess { globalRequests.forwards.remove(forward) }
            emit(.globalReply(token, isSuccess))
        }
    }

    // MARK: Opening

    private mutating func receiveOpen(_ message: ChannelOpen) throws(ProtocolError) {
        let request: ChannelOpenRequest
        do throws(ProtocolError) {
            guard let known = try ChannelOpenRequest(message) else {
                return try refuse(message.sender, .unknownChannelType, "unknown channel type")
            }
            request = known
        } catch {
            // The channel is refused like one that is not allowed; nothing depends on why.
            return try refuse(message.sender, .administrativelyProhibited, "malformed")
        }
        let peer: ConnectionRole = role == .client ? .server : .client
        guard request.mayBeOpened(by: peer), isInvited(request) else {
            return try refuse(message.sender, .administrativelyProhibited, "not requested")
        }
        guard request.isPossible else {
            return try refuse(message.sender, .connectFailed, "there is no such port")
        }
        if request.isSession, channels.isClosedToSessions {
            // OpenSSH's PROTOCOL §2.2: the client promised; only somebody who took the connection over breaks it.
            throw .channel("The peer opened a session after it had said that it would open no more.")
        }
        guard !channels.isFull, !request.isSession || channels.peerSessions < channels.limits.sessions else {
            return try refuse(message.sender, .resourceShortage, "too many channels")
        }
        let window = try SendWindow(available: message.window, maximumPacket: message.maximumPacket)
        let id = channels.offer(remote: message.sender, window: window, isSession: request.isSession)
        if case .x11 = request { channels.isX11SingleGranted = false }
        emit(.channelOpen(id, request))
    }

    private mutating func refuse(
        _ recipient: UInt32, _ reason: ChannelRefusal, _ words: String
    ) throws(ProtocolError) {
        try send(ChannelOpenFailure(recipient: recipient, reason: reason.rawValue, description: words).encoded)
    }

    /// What a server opens towards a client must have been asked for (RFC 4254 §6.3.2, §7.2).
    private func isInvited(_ request: ChannelOpenRequest) -> Bool {
        switch request {
        case .session, .directTCPIP, .directStreamLocal: true
        case .forwardedTCPIP, .forwardedStreamLocal: globalRequests.isRequested(request)
        case .agent: channels.isAgentGranted
        case .x11: channels.isX11Granted || channels.isX11SingleGranted
        }
    }

    private mutating func receiveConfirmation(_ message: ChannelOpenConfirmation) throws(ProtocolError) {
        let id = try channels.id(message.recipient)
        guard case .opening(let isAbandoned)? = channels.read(id, { $0.stage }) else {
            throw .channel("The peer confirmed a channel that is open already.")
        }
        let window = try SendWindow(available: message.window, maximumPacket: message.maximumPacket)
        // An owner that closed it meanwhile is not told about it: CLOSE follows from `closing`.
        channels.confirm(id, remote: message.sender, window: window)
        if !isAbandoned { emit(.opened, id) }
    }

    private mutating func receiveOpenFailure(_ message: ChannelOpenFailure) throws(ProtocolError) {
        let id = try channels.id(message.recipient)
        guard case .opening(let isAbandoned)? = channels.read(id, { $0.stage }) else {
            throw .channel("The peer refused a channel that is open already.")
        }
        channels.remove(message.recipient)
        if !isAbandoned { emit(.refused(reason: message.reason, description: message.description), id) }
    }

    /// The channel, which must be confirmed and not closed by the peer (which then is not in the table any more).
    private func openChannel(_ number: UInt32) throws(ProtocolError) -> (id: ChannelID, remote: UInt32) {
        let id = try channels.id(number)
        guard case .open(let remote, _)? = channels.read(id, { $0.stage }) else {
            throw .channel("The peer used a channel before it was confirmed.")
        }
        return (id, remote)
    }

    // MARK: Data

    mutating func receiveData(_ payload: ByteBuffer, isExtended: Bool) throws(ProtocolError) {
        let message = try ChannelData(payload, isExtended: isExtended)
        let (id, _) = try openChannel(message.recipient)
        let count = message.data.readableBytes
        let isClient = role == .client
        let type = message.type
        let taken = try channels.change(id) { channel throws(ProtocolError) -> (isKept: Bool, wantsProbe: Bool) in
            guard !channel.hasPeerEnded else { throw .channel("The peer sent data after the end of its data.") }
            try channel.receiveWindow.receive(count)
            // Nobody wants it any more, or knows what it is: the window is given back all the same (RFC 4254 §5.2).
            // Standard error is what a server's session has, and nobody else.
            let isKnown = type == nil || type == 1 && isClient && channel.isSession
            let isKept = isKnown && !channel.isCloseSent
            if !isKept { channel.receiveWindow.consume(count) }
            return (isKept, channel.tuning.received(count))
        }
        guard let taken else { return }
        if taken.wantsProbe { try askForRoundTrip(id) }
        guard taken.isKept, count > 0 else { return }
        emit(.data(isExtended ? .standardError : .standardOutput, message.data), id)
    }

    /// Asks the peer for a sign of life to learn what a round trip carries. Any answer will do.
    private mutating func askForRoundTrip(_ id: ChannelID) throws(ProtocolError) {
        // During a key exchange the question would wait, and measure that.
        guard globalRequests.takesProbe, !transport.isHolding,
            channels.read(id, { $0.receiveWindow.size }) ?? .max < channels.limits.maximumWindow
        else { return }
        channels.update(id) { $0.tuning.asked() }
        globalRequests.append(.windowProbe(id))
        try send(GlobalRequest(name: GlobalRequest.keepalive, wantsReply: true).encoded)
    }

    private mutating func receiveAdjust(_ message: ChannelWindowAdjust) throws(ProtocolError) {
        // Some peers give window back for a channel that both ends have just closed; nothing depends on it.
        if channels.wasClosed(message.recipient) { return }
        let (id, _) = try openChannel(message.recipient)
        _ = try channels.change(id) { channel throws(ProtocolError) in
            guard case .open(let remote, var window) = channel.stage else { return }
            try window.adjust(message.bytes)
            channel.stage = .open(remote: remote, window: window)
        }
    }

    // MARK: The end

    private mutating func receiveEOF(_ number: UInt32) throws(ProtocolError) {
        let (id, _) = try openChannel(number)
        let isNews = channels.update(id) { channel in
            // A second one changes nothing.
            defer { channel.hasPeerEnded = true }
            return !channel.hasPeerEnded && !channel.isCloseSent
        }
        if isNews == true { emit(.endOfFile, id) }
    }

    /// RFC 4254 §5.3: CLOSE is answered with CLOSE, unless ours is out already. Then the number is free.
    private mutating func receiveClose(_ number: UInt32) throws(ProtocolError) {
        let (id, remote) = try openChannel(number)
        if channels.read(id, { $0.isCloseSent }) == false {
            try send(ChannelNotice(recipient: remote).encoded(.channelClose))
        }
        channels.remove(number)
        emit(.closed, id)
    }

    // MARK: Requests

    private mutating func receiveRequest(_ message: ChannelRequest) throws(ProtocolError) {
        let (id, _) = try openChannel(message.recipient)
        let token = makeToken()
        if message.type == SessionRequest.endOfWrite {
            emit(.endOfWrite, id)
            return try answer(token, message.wantsReply ? true : nil, on: id)
        }
        let peer: ConnectionRole = role == .client ? .server : .client
        let isSession = channels.read(id) { $0.isSession && $0.isFromPeer == (peer == .client) } ?? false
        // A request that does not parse fails; it does not end the connection.
        guard isSession, let request = (try? SessionRequest(message)) ?? nil, request.mayBeSent(by: peer) else {
            return try answer(token, message.wantsReply ? false : nil, on: id)
        }
        switch request {
        case .exitStatus(let status):
            emit(.exitStatus(status), id)
            try answer(token, message.wantsReply ? true : nil, on: id)
        case .exitSignal(let signal):
            emit(.exitSignal(signal), id)
            try answer(token, message.wantsReply ? true : nil, on: id)
        default:
            if message.wantsReply { channels.update(id) { $0.inbound.ask(token) } }
            let inbound = InboundChannelRequest(request: request, wantsReply: message.wantsReply, token: token)
            emit(.request(inbound), id)
        }
    }

    /// An answer that needs no owner, in its turn.
    private mutating func answer(_ token: RequestToken, _ success: Bool?, on id: ChannelID) throws(ProtocolError) {
        guard let success else { return }
        channels.update(id) { $0.inbound.ask(token, answer: success) }
        try sendAnswers(on: id)
    }

    mutating func sendAnswers(on id: ChannelID) throws(ProtocolError) {
        guard case .open(let remote, _)? = channels.read(id, { $0.stage }) else { return }
        while let success = channels.update(id, { $0.isCloseSent ? nil : $0.inbound.next() }) ?? nil {
            try send(ChannelNotice(recipient: remote).encoded(success ? .channelSuccess : .channelFailure))
        }
    }

    /// Answers come in the order of the requests; one to nothing is dropped.
    private mutating func receiveAnswer(_ number: UInt32, isSuccess: Bool) throws(ProtocolError) {
        if channels.wasClosed(number) { return }
        let (id, _) = try openChannel(number)
        guard let reply = channels.update(id, { $0.replies.popFirst() }) ?? nil else { return }
        if isSuccess { channels.grant(reply.grants) }
        emit(.answered(reply.token, isSuccess), id)
    }
}

extension ChannelTable {
    /// What the peer may open towards us from now on.
    mutating func grant(_ grant: ChannelState.Grant?) {
        switch grant {
        case nil: break
        case .agent: isAgentGranted = true
        case .x11(isSingle: true): isX11SingleGranted = true
        case .x11(isSingle: false): isX11Granted = true
        }
    }
}
