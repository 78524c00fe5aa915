// Messages of the connection protocol from the peer: RFC 4254 §4-6.

import NIOCore

extension ConnectionMachine {
    mutating func receiveConnection(_ number: MessageNumber, _ payload: ByteBuffer) throws(ProtocolError) {
        switch number {
        case .globalRequest:
            try receiveGlobalRequest(payload)
        case .requestSuccess, .requestFailure:
            switch globalRequests.popFirst() {
            case .ping(let token): emit(.globalReply(token, number == .requestSuccess))
            case .hostKeyProofs(let keys):
                try receiveHostKeyProofs(number == .requestSuccess ? payload : nil, of: keys)
            case .keepalive, nil: break
            }
        case .channelOpen:
            // Nothing was forwarded, so nothing may be opened towards us (RFC 4254 §7.2, §6.3.2).
            let open = try ChannelOpen(payload)
            try send(
                ChannelOpenFailure(
                    recipient: open.sender, reason: ChannelOpenFailure.administrativelyProhibited,
                    description: "not requested"
                ).encoded)
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
            throw .unexpected("The host sent message \(number.rawValue) when it must not.")
        }
    }

    private mutating func receiveGlobalRequest(_ payload: ByteBuffer) throws(ProtocolError) {
        let request = try GlobalRequest(payload)
        switch (role, request.name) {
        case (.client, HostKeyRotation.announcement):
            try receiveHostKeys(request.body)
        case (.server, HostKeyRotation.proof):
            if let proofs = try hostKeyProofs(request.body), request.wantsReply { return try send(proofs) }
        default:
            break
        }
        // keepalive@openssh.com wants any answer.
        if request.wantsReply { try send(ByteBuffer(message: .requestFailure, capacity: 1)) }
    }

    // MARK: Opening

    private mutating func receiveConfirmation(_ message: ChannelOpenConfirmation) throws(ProtocolError) {
        guard case .opening(let isAbandoned) = try channels.channel(message.recipient).stage else {
            throw .channel("The host confirmed a channel that is open already.")
        }
        let window = try SendWindow(available: message.window, maximumPacket: message.maximumPacket)
        // An owner that closed it meanwhile is not told about it: CLOSE follows from `closing`.
        channels.update(message.recipient) { $0.stage = .open(remote: message.sender, window: window) }
        if !isAbandoned { emit(.opened, ChannelID(message.recipient)) }
    }

    private mutating func receiveOpenFailure(_ message: ChannelOpenFailure) throws(ProtocolError) {
        guard case .opening = try channels.channel(message.recipient).stage else {
            throw .channel("The host refused a channel that is open already.")
        }
        channels.remove(message.recipient)
        emit(.refused(reason: message.reason, description: message.description), ChannelID(message.recipient))
    }

    /// The channel, which must be confirmed and not closed by the peer (which then is not in the table any more).
    private func openChannel(_ number: UInt32) throws(ProtocolError) -> (channel: SessionChannel, remote: UInt32) {
        let channel = try channels.channel(number)
        guard case .open(let remote, _) = channel.stage else {
            throw .channel("The host used a channel before it confirmed it.")
        }
        return (channel, remote)
    }

    // MARK: Data

    mutating func receiveData(_ payload: ByteBuffer, isExtended: Bool) throws(ProtocolError) {
        let message = try ChannelData(payload, isExtended: isExtended)
        let (channel, _) = try openChannel(message.recipient)
        guard !channel.hasPeerEnded else { throw .channel("The host sent data after the end of its data.") }
        let count = message.data.readableBytes
        var window = channel.receiveWindow
        try window.receive(count)
        // Nobody wants it any more, or knows what it is: the window is given back all the same (RFC 4254 §5.2).
        let isDropped = channel.isCloseSent || message.type ?? 1 != 1
        if isDropped { window.consume(count) }
        channels.update(message.recipient) { $0.receiveWindow = window }
        guard !isDropped, count > 0 else { return }
        let stream = isExtended ? SSHDataStream.standardError : .standardOutput
        emit(.data(stream, message.data), ChannelID(message.recipient))
    }

    private mutating func receiveAdjust(_ message: ChannelWindowAdjust) throws(ProtocolError) {
        var (channel, remote) = try openChannel(message.recipient)
        guard case .open(_, var window) = channel.stage else { return }
        try window.adjust(message.bytes)
        channel.stage = .open(remote: remote, window: window)
        channels.update(message.recipient) { [stage = channel.stage] in $0.stage = stage }
    }

    // MARK: The end

    private mutating func receiveEOF(_ number: UInt32) throws(ProtocolError) {
        let (channel, _) = try openChannel(number)
        // A second one changes nothing.
        guard !channel.hasPeerEnded else { return }
        channels.update(number) { $0.hasPeerEnded = true }
        if !channel.isCloseSent { emit(.endOfFile, ChannelID(number)) }
    }

    /// RFC 4254 §5.3: CLOSE is answered with CLOSE, unless ours is out already. Then the number is free.
    private mutating func receiveClose(_ number: UInt32) throws(ProtocolError) {
        let (channel, remote) = try openChannel(number)
        if !channel.isCloseSent { try send(ChannelNotice(recipient: remote).encoded(.channelClose)) }
        channels.remove(number)
        emit(.closed, ChannelID(number))
    }

    // MARK: Requests

    private mutating func receiveRequest(_ request: ChannelRequest) throws(ProtocolError) {
        let (_, remote) = try openChannel(request.recipient)
        // A request that does not parse fails; it does not end the connection.
        let event = (try? Self.exit(request)) ?? nil
        if let event { emit(event, ChannelID(request.recipient)) }
        if request.wantsReply {
            try send(ChannelNotice(recipient: remote).encoded(event == nil ? .channelFailure : .channelSuccess))
        }
    }

    /// RFC 4254 §6.10: how the process ended; nil for any other request.
    private static func exit(_ request: ChannelRequest) throws(ProtocolError) -> SessionChannelEvent? {
        var body = request.body
        switch request.type {
        case "exit-status":
            let status = try body.uint32()
            try body.end()
            return .exitStatus(status)
        case "exit-signal":
            let name = try body.asciiName()
            guard name.utf8.count <= 64 else { return nil }
            let coreDumped = try body.boolean()
            let message = try body.text()
            return .exitSignal(
                ExitSignal(name: name, coreDumped: coreDumped, message: String(message.prefix(1024))))
        default:
            return nil
        }
    }

    /// Answers come in the order of the requests; one to nothing is dropped.
    private mutating func receiveAnswer(_ number: UInt32, isSuccess: Bool) throws(ProtocolError) {
        _ = try openChannel(number)
        guard let token = channels.update(number, { $0.replies.popFirst() }) ?? nil else { return }
        emit(.answered(token, isSuccess), ChannelID(number))
    }
}
