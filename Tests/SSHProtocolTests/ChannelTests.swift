import NIOCore
import Testing

@testable import SSHProtocol

/// RFC 4254 §5-6, with a server that does not keep to it.
@Suite struct ChannelTests {
    private func violation(_ act: (BackToBack, ChannelID) throws -> Void) throws -> ProtocolError? {
        let pair = try BackToBack.connected()
        let id = try pair.openChannel()
        try? act(pair, id)
        return pair.error
    }

    @Test("a session's life passes in order")
    func life() throws {
        let pair = try BackToBack.connected()
        let id = try pair.openChannel()
        let token = try #require(pair.request(.exec(Array("true".utf8)), on: id, wantsReply: true))
        #expect(pair.write(ByteBuffer(string: "input"), on: id))
        pair.client.sendEOF(on: id)
        try pair.pump()
        #expect(pair.server.numbers.suffix(4) == [90, 98, 94, 96])
        try pair.serve(
            .notice(.channelSuccess, 0), .data(0, Array("out".utf8)), .data(0, Array("err".utf8), type: 1),
            .channelRequest(0, "exit-status", wantsReply: false, [0, 0, 0, 3]), .notice(.channelEOF, 0),
            .notice(.channelClose, 0))
        #expect(
            pair.summaries.suffix(7) == [
                "0 opened", "0 answered true", "0 standardOutput 3", "0 standardError 3", "0 status 3", "0 eof",
                "0 closed",
            ])
        #expect(pair.server.numbers.last == 97)
        #expect(token.number > 0)
    }

    @Test("a terminal request is what RFC 4254 §6.2 says")
    func terminalRequest() throws {
        let pair = try BackToBack.connected()
        let id = try pair.openChannel()
        _ = pair.request(
            .terminal(type: "xterm", columns: 80, rows: 24, modes: TerminalModes([(42, 1), (200, 9)])), on: id,
            wantsReply: true)
        try pair.pump()
        let expected: [UInt8] =
            [98, 0, 0, 0, 70, 0, 0, 0, 7] + Array("pty-req".utf8) + [1, 0, 0, 0, 5] + Array("xterm".utf8)
            + [0, 0, 0, 80, 0, 0, 0, 24, 0, 0, 0, 0, 0, 0, 0, 0] + [0, 0, 0, 6, 42, 0, 0, 0, 1, 0]
        #expect(pair.server.received.last.map { Array($0.readableBytesView) } == expected)
    }

    // MARK: Channels that are not there

    @Test(
        "a message for a channel that was never opened ends the connection",
        arguments: [91, 92, 93, 94, 95, 96, 97, 98, 99, 100] as [UInt8])
    func unknownChannel(number: UInt8) throws {
        let pair = try BackToBack.connected()
        _ = try pair.openChannel()
        let bodies: [UInt8: [UInt8]] = [
            91: [0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0], 92: [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0], 93: [0, 0, 0, 1],
            94: [0, 0, 0, 0], 95: [0, 0, 0, 1, 0, 0, 0, 0], 98: [0, 0, 0, 1, 0x78, 0],
        ]
        try? pair.serve(ByteBuffer(bytes: [number, 0, 0, 0, 9] + (bodies[number] ?? [])))
        #expect(pair.error?.code == .channelViolation)
        #expect(!pair.summaries.contains { $0.hasPrefix("9 ") })
    }

    @Test(
        "data, adjustments and requests before the confirmation end the connection",
        arguments: [93, 94, 96, 97, 99] as [UInt8])
    func unconfirmedChannel(number: UInt8) throws {
        let pair = try BackToBack.connected()
        let id = try pair.openSession()
        try pair.pump()
        try? pair.serve(
            ByteBuffer(
                bytes: [number, 0, 0, 0, UInt8(id.number)] + (number == 93 || number == 94 ? [0, 0, 0, 0] : [])))
        #expect(pair.error?.code == .channelViolation)
    }

    @Test("a channel that is closed at both ends is gone, and its number is used again for another one")
    func closedChannel() throws {
        let pair = try BackToBack.connected()
        let first = try pair.openChannel()
        try pair.serve(.notice(.channelClose, first.number))
        #expect(!pair.write(ByteBuffer(string: "late"), on: first))
        #expect(try pair.openChannel().number == first.number)
        try pair.serve(.notice(.channelClose, first.number))
        try? pair.serve(.data(first.number, [1]))
        #expect(pair.error?.code == .channelViolation)
    }

    @Test("a second confirmation and a refusal of an open channel end the connection")
    func confirmedTwice() throws {
        #expect(try violation { pair, id in try pair.serve(.confirmation(id.number)) }?.code == .channelViolation)
        let refusal = ChannelOpenFailure(recipient: 0, reason: 1, description: "").encoded
        #expect(try violation { pair, _ in try pair.serve(refusal) }?.code == .channelViolation)
    }

    @Test("a refused channel says why, and its number is free")
    func refused() throws {
        let pair = try BackToBack.connected()
        let id = try pair.openSession()
        try pair.pump()
        try pair.serve(ChannelOpenFailure(recipient: id.number, reason: 4, description: "full").encoded)
        #expect(pair.summaries.last == "0 refused 4 full")
        #expect(try pair.openChannel().number == id.number)
    }

    @Test(
        "a server may open nothing towards us, ten thousand times",
        arguments: ["session", "forwarded-tcpip", "x11", "auth-agent@openssh.com"])
    func openedByServer(type: String) throws {
        let pair = try BackToBack.connected()
        let open = ChannelOpen(type: type, sender: 5, window: 1, maximumPacket: 1).encoded
        for _ in 0..<(type == "session" ? 10_000 : 3) { try pair.server.send(open) }
        try pair.pump()
        #expect(pair.error == nil)
        #expect(pair.server.numbers.last == 92)
        #expect(pair.client.channels.isEmpty)
    }

    @Test("as many channels as allowed are opened, and no more")
    func limit() throws {
        let pair = try BackToBack.connected { $0.maximumChannels = 3 }
        for _ in 0..<3 { _ = try pair.openChannel() }
        #expect(throws: ProtocolError.self) { try pair.openSession() }
        try pair.serve(.notice(.channelClose, 1))
        #expect(try pair.openChannel().number == 1)
    }

    // MARK: Windows

    @Test("data beyond the window ends the connection")
    func beyondWindow() throws {
        let error = try violation { pair, id in
            for _ in 0..<64 { try pair.serve(.data(id.number, [UInt8](repeating: 0, count: 32768))) }
            #expect(pair.error == nil)
            try pair.serve(.data(id.number, [0]))
        }
        #expect(error?.code == .channelViolation)
    }

    @Test("a packet beyond the channel's maximum ends the connection")
    func beyondMaximum() throws {
        let error = try violation { pair, id in try pair.serve(.data(id.number, [UInt8](repeating: 0, count: 32769))) }
        #expect(error?.code == .channelViolation)
    }

    @Test("a window past 4 GiB and a maximum of zero end the connection")
    func impossibleWindows() throws {
        let adjust = ChannelWindowAdjust(recipient: 0, bytes: .max).encoded
        #expect(try violation { pair, _ in try pair.serve(adjust) }?.code == .channelViolation)
        let pair = try BackToBack.connected()
        let id = try pair.openSession()
        try pair.pump()
        try? pair.serve(.confirmation(id.number, maximumPacket: 0))
        #expect(pair.error?.code == .channelViolation)
    }

    @Test("a storm of adjustments by zero changes nothing")
    func zeroAdjustments() throws {
        let pair = try BackToBack.connected()
        let id = try pair.openChannel()
        for _ in 0..<10_000 { try pair.server.send(ChannelWindowAdjust(recipient: id.number, bytes: 0).encoded) }
        let before = pair.events.count
        try pair.pump()
        #expect(pair.error == nil)
        #expect(pair.events.count == before)
    }

    @Test("window comes back when the owner has dealt with bytes, and not before")
    func givenBack() throws {
        let pair = try BackToBack.connected()
        let id = try pair.openChannel()
        for _ in 0..<10 { try pair.serve(.data(id.number, [UInt8](repeating: 0, count: 32768))) }
        #expect(!pair.server.numbers.contains(93))
        #expect(!pair.consumed(3 * 32768 - 1, on: id))
        #expect(pair.consumed(1, on: id))
        try pair.pump()
        #expect(pair.server.numbers.filter { $0 == 93 }.count == 1)
        #expect(pair.server.received.last.map { Array($0.readableBytesView) } == [93, 0, 0, 0, 70, 0, 1, 0x80, 0])
        // More than was received is never given back.
        _ = pair.consumed(.max, on: id)
        _ = pair.consumed(-5, on: id)
        try pair.pump()
        #expect(pair.server.received.last.map { Array($0.readableBytesView) } == [93, 0, 0, 0, 70, 0, 3, 0x80, 0])
    }

    @Test("extended data of an unknown type is dropped and its window comes back by itself")
    func unknownStream() throws {
        let pair = try BackToBack.connected()
        let id = try pair.openChannel()
        for _ in 0..<200 { try pair.serve(.data(id.number, [UInt8](repeating: 0, count: 32768), type: 2)) }
        #expect(pair.error == nil)
        #expect(!pair.summaries.contains { $0.contains("standard") })
        #expect(pair.server.numbers.contains(93))
    }

    @Test("data leaves in packets of the peer's size, as far as its window goes")
    func peersWindow() throws {
        let pair = try BackToBack.connected()
        let id = try pair.openChannel(window: 250, maximumPacket: 100)
        let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0) }
        #expect(pair.write(ByteBuffer(bytes: bytes), on: id))
        pair.client.sendEOF(on: id)
        pair.client.close(id)
        try pair.pump()
        #expect(pair.dataAtServer == Array(bytes.prefix(250)))
        #expect(!pair.server.numbers.contains(96))
        try pair.serve(ChannelWindowAdjust(recipient: id.number, bytes: 5000).encoded)
        #expect(isSame(pair.dataAtServer, bytes))
        #expect(pair.server.numbers.suffix(2) == [96, 97])
        let sizes = pair.server.received.filter { $0.getInteger(at: $0.readerIndex, as: UInt8.self) == 94 }.map {
            $0.readableBytes - 9
        }
        #expect(sizes.allSatisfy { $0 <= 100 })
    }

    @Test("small writes share a packet")
    func smallWrites() throws {
        let pair = try BackToBack.connected()
        let id = try pair.openChannel()
        for byte in UInt8(0)..<50 { #expect(pair.write(ByteBuffer(bytes: [byte]), on: id)) }
        try pair.pump()
        #expect(pair.server.numbers.filter { $0 == 94 }.count == 1)
        #expect(pair.dataAtServer == Array(0..<50))
    }

    @Test("a queue above its mark says so, below it too, and beyond its limit takes nothing")
    func queueMarks() throws {
        let pair = try BackToBack.connected()
        let id = try pair.openChannel(window: 0)
        var taken = 0
        while pair.write(ByteBuffer(repeating: 1, count: 100_000), on: id) { taken += 100_000 }
        #expect(taken == 8_300_000)
        #expect(!pair.client.isWritable(id))
        pair.takeEvents()
        #expect(pair.summaries.last == "0 writable false")
        try pair.serve(ChannelWindowAdjust(recipient: id.number, bytes: 9_000_000).encoded)
        #expect(pair.summaries.last == "0 writable true")
        #expect(pair.dataAtServer.count == taken)
    }

    @Test("while the socket takes nothing, channel data stays in its queue")
    func unwritableSocket() throws {
        let pair = try BackToBack.connected()
        let id = try pair.openChannel()
        pair.client.setWritable(false)
        #expect(pair.write(ByteBuffer(string: "waits"), on: id))
        try pair.pump()
        #expect(pair.dataAtServer.isEmpty)
        #expect(pair.client.queuedBytes(id) == 5)
        pair.client.setWritable(true)
        try pair.pump()
        #expect(pair.dataAtServer == Array("waits".utf8))
    }

    @Test("channels take turns: a bulk channel does not starve another one")
    func turns() throws {
        let pair = try BackToBack.connected()
        let bulk = try pair.openChannel(window: 8 << 20)
        let typed = try pair.openChannel()
        #expect(pair.write(ByteBuffer(repeating: 1, count: 4 << 20), on: bulk))
        #expect(pair.write(ByteBuffer(string: "^C"), on: typed))
        let flight = try #require(pair.drain())
        try pair.server.receive(flight)
        let recipients = pair.server.received.compactMap { packet in
            packet.getInteger(at: packet.readerIndex, as: UInt8.self) == 94
                ? packet.getInteger(at: packet.readerIndex + 1, as: UInt32.self) : nil
        }
        #expect(recipients.prefix(3).contains(71))
    }

    @Test("an owner who keeps every piece of a flood of tiny packets does not make us copy the flood for each")
    func keptPieces() throws {
        let pair = try BackToBack.connected()
        let id = try pair.openChannel()
        for index in 0..<20_000 { try pair.server.send(.data(id.number, [UInt8(truncatingIfNeeded: index)])) }
        // All of it in one read; the test keeps every event.
        let start = ContinuousClock.now
        try pair.pump()
        #expect(ContinuousClock.now - start < .seconds(5))
        #expect(isSame(pair.dataAtClient, (0..<20_000).map { UInt8(truncatingIfNeeded: $0) }))
    }

    // MARK: The end

    @Test("data after the end of data ends the connection; a second end does not")
    func dataAfterEOF() throws {
        let error = try violation { pair, id in
            try pair.serve(.notice(.channelEOF, id.number), .notice(.channelEOF, id.number))
            #expect(pair.summaries.filter { $0 == "0 eof" }.count == 1)
            try pair.serve(.data(id.number, [1]))
        }
        #expect(error?.code == .channelViolation)
    }

    @Test("after our CLOSE the peer's data is dropped until its own")
    func dataAfterClose() throws {
        let pair = try BackToBack.connected()
        let id = try pair.openChannel()
        pair.client.close(id)
        try pair.pump()
        try pair.serve(.data(id.number, [1, 2]), .notice(.channelEOF, id.number), .notice(.channelClose, id.number))
        #expect(pair.error == nil)
        #expect(pair.summaries.suffix(2) == ["0 opened", "0 closed"])
        #expect(pair.server.numbers.filter { $0 == 97 }.count == 1)
    }

    @Test("an aborted channel is over for its owner at once, and its number is not used before the peer closes")
    func abort() throws {
        let pair = try BackToBack.connected()
        let id = try pair.openChannel(window: 0)
        #expect(pair.write(ByteBuffer(string: "never"), on: id))
        pair.client.abort(id)
        try pair.pump()
        #expect(pair.summaries.last == "0 closed")
        #expect(pair.dataAtServer.isEmpty)
        #expect(try pair.openChannel().number != id.number)
        try pair.serve(.notice(.channelClose, id.number))
        #expect(pair.error == nil)
        #expect(try pair.openChannel().number == id.number)
    }

    // MARK: Requests and answers

    @Test("requests that do not parse or are unknown fail, and the connection goes on")
    func badRequests() throws {
        let pair = try BackToBack.connected()
        let id = try pair.openChannel()
        let requests: [(String, [UInt8])] = [
            ("exit-status", []), ("exit-status", [0, 0, 0]), ("exit-status", [0, 0, 0, 1, 9]),
            ("exit-signal", [0, 0, 0, 50, 1]), ("exit-signal", [0, 0, 0, 2, 0x1B, 0x5B, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
            ("window-change", [1]), ("pty-req", []), ("keepalive@openssh.com", []), ("\u{1B}]0;x", [0]),
        ]
        for (type, body) in requests { try pair.serve(.channelRequest(id.number, type, wantsReply: true, body)) }
        #expect(pair.error == nil)
        #expect(pair.server.numbers.suffix(requests.count).allSatisfy { $0 == 100 })
        #expect(pair.summaries.last == "0 opened")
    }

    @Test("an exit signal is read whole")
    func exitSignal() throws {
        let pair = try BackToBack.connected()
        let id = try pair.openChannel()
        let body: [UInt8] = [0, 0, 0, 4] + Array("SEGV".utf8) + [1, 0, 0, 0, 2] + Array("hi".utf8) + [0, 0, 0, 0]
        try pair.serve(.channelRequest(id.number, "exit-signal", wantsReply: false, body))
        guard case .channel(_, .exitSignal(let signal))? = pair.events.last else {
            Issue.record("no exit signal")
            return
        }
        #expect(signal == ExitSignal(name: "SEGV", coreDumped: true, message: "hi"))
    }

    @Test("answers to nothing are dropped, twenty thousand of them")
    func unsolicitedAnswers() throws {
        let pair = try BackToBack.connected()
        let id = try pair.openChannel()
        for number in [MessageNumber.channelSuccess, .channelFailure] {
            for _ in 0..<10_000 { try pair.server.send(.notice(number, id.number)) }
        }
        for number in [UInt8(81), 82] { try pair.server.send(number) }
        let before = pair.events.count
        try pair.pump()
        #expect(pair.error == nil)
        #expect(pair.events.count == before)
    }

    @Test("a global request is answered with failure when it wants an answer")
    func globalRequests() throws {
        let pair = try BackToBack.connected()
        try pair.serve(
            GlobalRequest(name: "hostkeys-00@openssh.com", wantsReply: false).encoded,
            GlobalRequest(name: "keepalive@openssh.com", wantsReply: true).encoded)
        #expect(pair.server.numbers.filter { $0 == 82 }.count == 1)
        #expect(pair.error == nil)
    }

    @Test("an unknown message is answered with UNIMPLEMENTED and its sequence number")
    func unimplemented() throws {
        let pair = try BackToBack.connected()
        let sequence = pair.server.writer.sequenceNumber
        try pair.serve(ByteBuffer(bytes: [200, 1, 2, 3]))
        #expect(pair.server.numbers.last == 3)
        #expect(
            pair.server.received.last.flatMap { $0.getInteger(at: $0.readerIndex + 1, as: UInt32.self) } == sequence)
    }

    @Test("a ping is answered with the same data")
    func ping() throws {
        let pair = try BackToBack.connected()
        try pair.serve(ByteBuffer(bytes: [192, 0, 0, 0, 2, 7, 8]))
        #expect(pair.server.received.last.map { Array($0.readableBytesView) } == [193, 0, 0, 0, 2, 7, 8])
    }

    @Test("a peer that asks and never reads the answers is not read from any more")
    func unreadAnswers() throws {
        let pair = try BackToBack.connected()
        pair.client.setWritable(false)
        for _ in 0..<20_000 { try pair.server.send(GlobalRequest(name: "x", wantsReply: true).encoded) }
        if let bytes = pair.server.take() { pair.deliver(bytes) }
        pair.takeEvents()
        let unread = pair.client.transport.reader.pendingBytes
        #expect(unread > 0)
        #expect(!pair.client.wantsInput)
        pair.client.setWritable(true)
        try pair.pump()
        #expect(pair.client.transport.reader.pendingBytes == 0)
        #expect(pair.server.numbers.filter { $0 == 82 }.count == 20_000)
    }

    @Test("a disconnect is quoted harmlessly and ends everything")
    func disconnect() throws {
        let pair = try BackToBack.connected()
        _ = try pair.openChannel()
        try pair.serve(Disconnect(reason: .byApplication, description: "bye \u{1B}[31m\u{202E}now").encoded)
        #expect(pair.error?.code == .disconnectedByPeer)
        #expect(pair.error?.description == "The host ended the connection: bye ·[31m·now")
        #expect(throws: ProtocolError.self) { try pair.openSession() }
        #expect(pair.disconnectReason == nil)
    }
}
