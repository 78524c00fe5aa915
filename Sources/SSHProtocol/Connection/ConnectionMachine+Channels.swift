// What the owner asks of channels, and the sending of their data: RFC 4254 §5-6.

public import NIOCore

extension ConnectionMachine {
    /// What the channels of this connection may take. To be set before the first one is opened.
    public var channelLimits: ChannelLimits {
        get { channels.limits }
        set { channels.limits = newValue }
    }

    // MARK: Opening

    /// Opens a session channel (RFC 4254 §6.1); `opened` or `refused` follows.
    ///
    /// - Throws: `limitExceeded` with as many channels as are allowed, `connectionLost` before authentication.
    public mutating func openSession() throws(ProtocolError) -> ChannelID { try open(.session) }

    /// Opens a channel (RFC 4254 §5.1); `opened` or `refused` follows.
    ///
    /// - Throws: `limitExceeded` with as many channels as are allowed, `connectionLost` before authentication.
    public mutating func open(_ request: ChannelOpenRequest) throws(ProtocolError) -> ChannelID {
        try requireConnected()
        if request.isSession, channels.isClosedToSessions, role == .client {
            throw ProtocolError(
                .limitExceeded, "The host was told that no more sessions would be opened.", reason: .byApplication)
        }
        let id = try channels.open(isSession: request.isSession)
        let window = channels.read(id) { ($0.receiveWindow.size, $0.receiveWindow.maximumPacket) } ?? (0, 0)
        attempt { machine throws(ProtocolError) in
            try machine.send(request.encoded(sender: id.number, window: window.0, maximumPacket: window.1))
        }
        return id
    }

    private func requireConnected() throws(ProtocolError) {
        guard case .connected = phase else {
            throw ProtocolError(.connectionLost, "The connection does not stand.", reason: .byApplication)
        }
    }

    /// Confirms a channel of a `channelOpen` event. Does nothing for any other.
    public mutating func accept(_ id: ChannelID) {
        let confirmation: ChannelOpenConfirmation? =
            channels.update(id) { channel in
                guard case .offered(let remote, let window) = channel.stage else { return nil }
                channel.stage = .open(remote: remote, window: window)
                return ChannelOpenConfirmation(
                    recipient: remote, sender: id.number, window: channel.receiveWindow.size,
                    maximumPacket: channel.receiveWindow.maximumPacket)
            } ?? nil
        guard let confirmation else { return }
        attempt { machine throws(ProtocolError) in try machine.send(confirmation.encoded) }
    }

    /// Refuses a channel of a `channelOpen` event; it is gone. Does nothing for any other.
    ///
    /// - Parameter description: Words for people, which the peer sees.
    public mutating func refuse(_ id: ChannelID, reason: ChannelRefusal, description: String) {
        guard case .offered(let remote, _)? = channels.read(id, { $0.stage }) else { return }
        channels.remove(id.number)
        attempt { machine throws(ProtocolError) in
            try machine.send(
                ChannelOpenFailure(recipient: remote, reason: reason.rawValue, description: description).encoded)
        }
    }

    // MARK: Requests

    /// Sends a request on an open channel.
    ///
    /// - Returns: The token that its answer will carry, or nil when the channel is not open.
    public mutating func request(_ request: SessionRequest, on id: ChannelID, wantsReply: Bool) -> RequestToken? {
        guard let remote = openRemote(id) else { return nil }
        let token = makeToken()
        let grants: ChannelState.Grant? =
            switch request {
            case .agentForwarding: .agent
            case .x11(let x11): .x11(isSingle: x11.isSingle)
            default: nil
            }
        if case .terminal = request { setInteractive(true, on: id) }
        if wantsReply {
            channels.update(id) { $0.replies.append(ChannelState.PendingReply(token: token, grants: grants)) }
        } else {
            channels.grant(grants)
        }
        attempt { machine throws(ProtocolError) in
            try machine.send(request.encoded(recipient: remote, wantsReply: wantsReply))
        }
        return token
    }

    private func openRemote(_ id: ChannelID) -> UInt32? {
        let remote = channels.read(id) { channel -> UInt32? in
            guard channel.isOpen, case .open(let remote, _) = channel.stage else { return nil }
            return remote
        }
        return remote ?? nil
    }

    /// Answers a request of the peer; answers leave in the order of the requests. A second answer does nothing.
    public mutating func answer(_ request: InboundChannelRequest, success: Bool, on id: ChannelID) {
        if success, case .terminal = request.request { setInteractive(true, on: id) }
        guard request.wantsReply, channels.update(id, { $0.inbound.answer(request.token, success) }) == true else {
            return
        }
        attempt { machine throws(ProtocolError) in try machine.sendAnswers(on: id) }
    }

    /// Tells the peer that nobody reads its data any more (eow@openssh.com), which ends a program that writes into nothing.
    /// Only peers that know it are told.
    public mutating func sendEndOfWrite(on id: ChannelID) {
        guard let remote = openRemote(id), peerKnowsEndOfWrite else { return }
        attempt { machine throws(ProtocolError) in
            try machine.send(
                SessionRequest.header(SessionRequest.endOfWrite, recipient: remote, wantsReply: false))
        }
    }

    private var peerKnowsEndOfWrite: Bool {
        let software = peerIdentification.dropFirst("SSH-2.0-".count)
        return software.hasPrefix("OpenSSH") || software.hasPrefix("SSHCopilot")
    }

    // MARK: Data

    /// Queues data. Returns false, with nothing taken, when the channel takes none or its queue is full.
    public mutating func write(
        _ data: ByteBuffer, stream: SSHDataStream = .standardOutput, on id: ChannelID
    ) -> Bool {
        let taken = channels.update(id) { channel in channel.takesInput && channel.queue.append(data, stream) }
        tellWritability(id)
        return taken ?? false
    }

    /// Whether the queue is below its mark.
    public func isWritable(_ id: ChannelID) -> Bool { channels.read(id) { $0.takesInput && $0.isWritable } ?? false }

    /// Whether our half of the data is still open.
    public func takesInput(_ id: ChannelID) -> Bool { channels.read(id) { $0.takesInput } ?? false }

    /// Bytes queued and not sent.
    public func queuedBytes(_ id: ChannelID) -> Int { channels.read(id) { $0.queue.bytes } ?? 0 }

    /// What the peer may have under way to us on a channel, in bytes; it grows with the link.
    public func receiveWindow(_ id: ChannelID) -> Int { channels.read(id) { Int($0.receiveWindow.size) } ?? 0 }

    /// Puts a channel before those that only carry data. A terminal's is from the start.
    public mutating func setInteractive(_ isInteractive: Bool, on id: ChannelID) {
        channels.update(id) { $0.isInteractive = isInteractive }
    }

    /// EOF, after what is queued.
    public mutating func sendEOF(on id: ChannelID) {
        channels.update(id) { if case .open = $0.output { $0.output = .ending } }
    }

    /// Gives window back.
    ///
    /// - Returns: Whether there is now something to send.
    public mutating func consumed(_ bytes: Int, on id: ChannelID) -> Bool {
        channels.update(id) {
            $0.receiveWindow.consume(bytes)
            return $0.receiveWindow.wantsAdjustment
        } ?? false
    }

    // MARK: Closing

    /// CLOSE, after what is queued. A channel that was offered and not answered is refused.
    public mutating func close(_ id: ChannelID) {
        refuse(id, reason: .connectFailed, description: "closed")
        channels.update(id) { channel in
            if case .opening = channel.stage { channel.stage = .opening(isAbandoned: true) }
            if case .no = channel.closing { channel.closing = .afterQueue }
        }
    }

    /// CLOSE at once; what is queued is dropped. `closed` follows without waiting for the peer, which may keep the channel
    /// until the process ends: OpenSSH does. The number stays taken until then.
    public mutating func abort(_ id: ChannelID) {
        close(id)
        let isGone = channels.update(id) { channel in
            channel.queue.removeAll()
            channel.output = .ended
            return channel.isOpening
        }
        if isGone == false { emit(.closed, id) }
    }

    // MARK: Global requests

    /// Asks the peer for a sign of life (keepalive@openssh.com); `globalReply` with the token follows.
    public mutating func ping() throws(ProtocolError) -> RequestToken {
        let token = makeToken()
        try ask(.ping(token), GlobalRequest(name: GlobalRequest.keepalive, wantsReply: true).encoded)
        return token
    }

    /// Asks the server to listen for us (RFC 4254 §7.1); `forwardAnswer` with the token follows.
    ///
    /// - Throws: `limitExceeded` with as many requests unanswered as may be.
    public mutating func requestForward(_ forward: RemoteForward) throws(ProtocolError) -> RequestToken {
        let token = makeToken()
        try ask(.forward(token, forward), forward.encoded(cancels: false))
        return token
    }

    /// Asks the server to listen no more; `globalReply` with the token follows.
    public mutating func cancelForward(_ forward: RemoteForward) throws(ProtocolError) -> RequestToken {
        let token = makeToken()
        try ask(.cancelForward(token, forward), forward.encoded(cancels: true))
        return token
    }

    private mutating func ask(_ purpose: GlobalRequests.Purpose, _ message: ByteBuffer) throws(ProtocolError) {
        try requireConnected()
        guard !globalRequests.isFull else {
            throw ProtocolError(
                .limitExceeded, "Too many requests wait for the host's answer.", reason: .byApplication)
        }
        globalRequests.append(purpose)
        attempt { machine throws(ProtocolError) in try machine.send(message) }
    }

    /// Whether one more global request may be asked now.
    public var takesGlobalRequest: Bool { !globalRequests.isFull }

    /// Promises the server to open no more sessions (no-more-sessions@openssh.com); from now on none can be opened.
    public mutating func sendNoMoreSessions() {
        guard case .connected = phase, !channels.isClosedToSessions else { return }
        channels.isClosedToSessions = true
        attempt { machine throws(ProtocolError) in
            try machine.send(GlobalRequest(name: GlobalRequest.noMoreSessions, wantsReply: false).encoded)
        }
    }

    /// Answers a global request of the peer; answers leave in the order of the requests. A second answer does nothing.
    ///
    /// - Parameter port: The port that was chosen, for a tcpip-forward with port 0 (RFC 4254 §7.1).
    public mutating func answer(_ request: InboundGlobalRequest, success: Bool, port: UInt32? = nil) {
        guard request.wantsReply else { return }
        var data = ByteBuffer()
        if case .forward(.tcp(let address)) = request.kind, address.port == 0, let port { data.writeInteger(port) }
        guard globalRequests.inbound.answer(request.token, success ? .success(data) : .failure) else { return }
        attempt { machine throws(ProtocolError) in try machine.sendGlobalAnswers() }
    }

    /// Whether the owner leaves so many requests of the peer unanswered that nothing more is read.
    var isOwnerBehind: Bool { globalRequests.isInboundFull || channels.isInboundFull }

    // MARK: Sending

    /// Gives each channel in line its turn until the output is full or nothing is left. Stops when a key exchange is due:
    /// what is left stays in the queues.
    mutating func sendChannelData() throws(ProtocolError) {
        while !transport.isHolding, transport.writer.pendingBytes < Self.outputQuantum,
            let id = channels.nextInLine()
        {
            try serve(id)
            // Back to the end of the line, if there is more.
            channels.update(id) { _ in }
            tellWritability(id)
        }
    }

    /// One channel's turn: window for the peer, then data, then EOF, then CLOSE, in that order.
    private mutating func serve(_ id: ChannelID) throws(ProtocolError) {
        guard case .open(let remote, _)? = channels.read(id, { $0.stage }) else { return }
        if let bytes = channels.update(id, { $0.receiveWindow.takeAdjustment() }) ?? nil {
            try sendAdjustment(ChannelWindowAdjust(recipient: remote, bytes: bytes))
            try rekeyIfDue()
        }
        var turn = Self.channelQuantum
        while turn > 0, !transport.isHolding,
            let count = try channels.sendPacket(id, to: remote, &transport.writer, timers: &timers)
        {
            turn -= count
            try rekeyIfDue()
        }
        guard !transport.isHolding else { return }
        if channels.update(id, { $0.takeEOF() }) == true {
            try send(ChannelNotice(recipient: remote).encoded(.channelEOF))
        }
        if channels.update(id, { $0.takeClose() }) == true {
            try send(ChannelNotice(recipient: remote).encoded(.channelClose))
        }
    }

    /// As often as a few packets of data come: in memory that is used again.
    private mutating func sendAdjustment(_ adjustment: ChannelWindowAdjust) throws(ProtocolError) {
        var message = ByteBuffer()
        swap(&message, &scratch)
        message.clear()
        adjustment.write(to: &message)
        swap(&message, &scratch)
        try send(scratch)
    }

    /// Tells the owner when the queue passes one of its marks.
    mutating func tellWritability(_ id: ChannelID) {
        let change: Bool? =
            channels.update(id) { channel in
                let isWritable = channel.isWritable
                guard channel.takesInput, isWritable != channel.wasWritable else { return nil }
                channel.wasWritable = isWritable
                return isWritable
            } ?? nil
        if let change { emit(.writabilityChanged(change), id) }
    }
}

extension ChannelTable {
    /// Sends the next packet of data that window and maximum allow, from the queue straight into the packet.
    ///
    /// - Returns: Its bytes of data; nil when there is nothing to send.
    fileprivate mutating func sendPacket(
        _ id: ChannelID, to remote: UInt32, _ writer: inout PacketWriter, timers: inout ConnectionTimers
    ) throws(ProtocolError) -> Int? {
        let allowed = read(id) { $0.allowance } ?? 0
        guard allowed > 0 else { return nil }
        var count = 0
        try writer.send(capacity: allowed + ChannelState.largestHeader) { packet in
            count = update(id) { $0.takePacket(allowed, remote, into: &packet) } ?? 0
        }
        timers.carried(MessageNumber.channelData.rawValue)
        return count
    }
}

extension ChannelState {
    /// Number, recipient, type of extended data, length.
    fileprivate static let largestHeader = 13

    /// Bytes that may leave in the next packet.
    fileprivate var allowance: Int {
        guard case .open(_, let window) = stage, !isCloseSent else { return 0 }
        return window.allowance(queue.bytes)
    }

    fileprivate mutating func takePacket(_ allowed: Int, _ remote: UInt32, into packet: inout ByteBuffer) -> Int {
        guard case .open(_, var window) = stage else { return 0 }
        switch queue.stream {
        case .standardOutput:
            packet.writeInteger(MessageNumber.channelData.rawValue)
            packet.writeInteger(remote)
        case .standardError:
            packet.writeInteger(MessageNumber.channelExtendedData.rawValue)
            packet.writeInteger(remote)
            packet.writeInteger(UInt32(1))
        }
        // The length is known when the pieces of one stream are in.
        let place = packet.writerIndex
        packet.writeInteger(UInt32(0))
        let count = queue.move(allowed, into: &packet)
        packet.setInteger(UInt32(truncatingIfNeeded: count), at: place)
        window.spend(count)
        stage = .open(remote: remote, window: window)
        return count
    }

    fileprivate mutating func takeEOF() -> Bool {
        guard case .ending = output, queue.bytes == 0, !isCloseSent else { return false }
        output = .ended
        return true
    }

    fileprivate mutating func takeClose() -> Bool {
        guard case .afterQueue = closing, queue.bytes == 0 else { return false }
        closing = .sent
        output = .ended
        return true
    }
}
