// What the owner asks of channels, and the sending of their data: RFC 4254 §5-6.

public import NIOCore

extension ConnectionMachine {
    // MARK: The owner's wishes

    /// Opens a session channel (RFC 4254 §6.1); `opened` or `refused` follows.
    ///
    /// - Throws: `limitExceeded` with as many channels as are allowed, `unexpectedMessage` before authentication.
    public mutating func openSession() throws(ProtocolError) -> ChannelID {
        guard case .connected = phase else {
            throw ProtocolError(.connectionLost, "The connection does not stand.", reason: .byApplication)
        }
        let id = try channels.open()
        attempt { machine throws(ProtocolError) in
            try machine.send(
                ChannelOpen(
                    type: "session", sender: id.number, window: ReceiveWindow.initialSize,
                    maximumPacket: ReceiveWindow.maximumPacket
                ).encoded)
        }
        return id
    }

    /// Sends a request on an open channel.
    ///
    /// - Returns: The token that its answer will carry, or nil when the channel is not open.
    public mutating func request(_ request: SessionRequest, on id: ChannelID, wantsReply: Bool) -> RequestToken? {
        guard let channel = channels.channels[id.number], channel.isOpen, case .open(let remote, _) = channel.stage
        else { return nil }
        let token = makeToken()
        if wantsReply { channels.update(id.number) { $0.replies.append(token) } }
        attempt { machine throws(ProtocolError) in
            try machine.send(request.encoded(recipient: remote, wantsReply: wantsReply))
        }
        return token
    }

    /// Queues data. Returns false, with nothing taken, when the channel takes none or its queue is full.
    public mutating func write(_ data: ByteBuffer, on id: ChannelID) -> Bool {
        let taken = channels.update(id.number) { channel in channel.takesInput && channel.queue.append(data) }
        tellWritability(id)
        return taken ?? false
    }

    /// Whether the queue is below its mark.
    public func isWritable(_ id: ChannelID) -> Bool {
        guard let channel = channels.channels[id.number], channel.takesInput else { return false }
        return channel.isWritable
    }

    /// Bytes queued and not sent.
    public func queuedBytes(_ id: ChannelID) -> Int { channels.channels[id.number]?.queue.bytes ?? 0 }

    /// EOF, after what is queued.
    public mutating func sendEOF(on id: ChannelID) {
        channels.update(id.number) { if case .open = $0.output { $0.output = .ending } }
    }

    /// Gives window back.
    ///
    /// - Returns: Whether there is now something to send.
    public mutating func consumed(_ bytes: Int, on id: ChannelID) -> Bool {
        channels.update(id.number) {
            $0.receiveWindow.consume(bytes)
            return $0.receiveWindow.wantsAdjustment
        } ?? false
    }

    /// CLOSE, after what is queued.
    public mutating func close(_ id: ChannelID) {
        channels.update(id.number) { channel in
            if case .opening = channel.stage { channel.stage = .opening(isAbandoned: true) }
            if case .no = channel.closing { channel.closing = .afterQueue }
        }
    }

    /// CLOSE at once; what is queued is dropped. `closed` follows without waiting for the peer, which may keep the channel
    /// until the process ends: OpenSSH does. The number stays taken until then.
    public mutating func abort(_ id: ChannelID) {
        close(id)
        let isGone = channels.update(id.number) { channel in
            channel.queue.removeAll()
            channel.output = .ended
            return channel.isOpening
        }
        if isGone == false { emit(.closed, id) }
    }

    /// Asks the peer for a sign of life (keepalive@openssh.com); `globalReply` with the token follows.
    public mutating func ping() throws(ProtocolError) -> RequestToken {
        guard case .connected = phase else {
            throw ProtocolError(.connectionLost, "The connection does not stand.", reason: .byApplication)
        }
        guard !globalRequests.isFull else {
            throw ProtocolError(
                .limitExceeded, "Too many requests wait for the host's answer.", reason: .byApplication)
        }
        let token = makeToken()
        globalRequests.append(.ping(token))
        attempt { machine throws(ProtocolError) in
            try machine.send(GlobalRequest(name: GlobalRequest.keepalive, wantsReply: true).encoded)
        }
        return token
    }

    // MARK: Sending

    /// Gives each channel in line its turn until the output is full or nothing is left. Stops when a key exchange is due:
    /// what is left stays in the queues.
    mutating func sendChannelData() throws(ProtocolError) {
        while !transport.isHolding, transport.writer.pendingBytes < Self.outputQuantum,
            let number = channels.nextInLine()
        {
            try serve(number)
            // Back to the end of the line, if there is more.
            channels.update(number) { _ in }
            tellWritability(ChannelID(number))
        }
    }

    /// One channel's turn: window for the peer, then data, then EOF, then CLOSE, in that order.
    private mutating func serve(_ number: UInt32) throws(ProtocolError) {
        guard case .open(let remote, _)? = channels.channels[number]?.stage else { return }
        if let bytes = channels.update(number, { $0.receiveWindow.takeAdjustment() }) ?? nil {
            try send(ChannelWindowAdjust(recipient: remote, bytes: bytes).encoded)
            try rekeyIfDue()
        }
        var turn = Self.channelQuantum
        while turn > 0, !transport.isHolding, takePacket(number, remote) {
            turn -= scratch.readableBytes
            try send(scratch)
            try rekeyIfDue()
        }
        guard !transport.isHolding else { return }
        if channels.update(number, { $0.takeEOF() }) == true {
            try send(ChannelNotice(recipient: remote).encoded(.channelEOF))
        }
        if channels.update(number, { $0.takeClose() }) == true {
            try send(ChannelNotice(recipient: remote).encoded(.channelClose))
        }
    }

    /// Puts the next packet of data that window and maximum allow into `scratch`.
    private mutating func takePacket(_ number: UInt32, _ remote: UInt32) -> Bool {
        // Taken out while it is written to, so that its memory has one owner.
        var packet = ByteBuffer()
        swap(&packet, &scratch)
        packet.clear()
        let isTaken = channels.update(number) { $0.takePacket(remote, into: &packet) }
        swap(&packet, &scratch)
        return isTaken ?? false
    }

    /// Tells the owner when the queue passes one of its marks.
    mutating func tellWritability(_ id: ChannelID) {
        let change: Bool? =
            channels.update(id.number) { channel in
                let isWritable = channel.isWritable
                guard channel.takesInput, isWritable != channel.wasWritable else { return nil }
                channel.wasWritable = isWritable
                return isWritable
            } ?? nil
        if let change { emit(.writabilityChanged(change), id) }
    }
}

extension SessionChannel {
    fileprivate mutating func takePacket(_ remote: UInt32, into packet: inout ByteBuffer) -> Bool {
        guard case .open(_, var window) = stage, !isCloseSent else { return false }
        let count = window.allowance(queue.bytes)
        guard count > 0 else { return false }
        window.spend(count)
        stage = .open(remote: remote, window: window)
        packet.reserveCapacity(count + 9)
        packet.writeInteger(MessageNumber.channelData.rawValue)
        packet.writeInteger(remote)
        packet.writeInteger(UInt32(truncatingIfNeeded: count))
        queue.move(count, into: &packet)
        return true
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
