import NIOCore
import Testing

@testable import SSHProtocol

/// Channels between two ends of ours: what the client asks for reaches the server, and back.
@Suite struct ChannelServerTests {
    @Test("everything that a session asks for arrives as it was meant")
    func requests() throws {
        let pair = try ChannelPair()
        let session = try pair.openSession()
        let sent: [SessionRequest] = [
            .terminal(type: "xterm", columns: 80, rows: 24, width: 640, height: 480, modes: .interactive),
            .environment(name: "LANG", value: "blåbær"), .x11(X11Request(isSingle: true, cookie: "ab", screen: 1)),
            .agentForwarding, .exec([0xFF, 0x00]), .windowChange(columns: 1, rows: 2, width: 3, height: 4),
            .signal("INFO@openssh.com"), .breakSignal(milliseconds: 500), .subsystem("sftp"), .shell,
        ]
        for request in sent { _ = pair.client.request(request, on: session.client, wantsReply: true) }
        pair.pump()
        let received = pair.serverEvents.compactMap { event -> SessionRequest? in
            if case .channel(_, .request(let inbound)) = event { return inbound.request }
            return nil
        }
        #expect(received == sent)
    }

    @Test("answers leave in the order of the requests, in whatever order they are found")
    func orderedAnswers() throws {
        let pair = try ChannelPair()
        let session = try pair.openSession()
        let first = pair.client.request(.shell, on: session.client, wantsReply: true)
        let second = pair.client.request(.subsystem("x"), on: session.client, wantsReply: true)
        // One that needs no owner waits for those before it.
        try pair.clientSends(SessionRequest.header("unknown", recipient: 0, wantsReply: true))
        let inbound = pair.serverEvents.compactMap { event -> InboundChannelRequest? in
            if case .channel(_, .request(let request)) = event { return request }
            return nil
        }
        pair.server.answer(inbound[1], success: true, on: session.server)
        pair.pump()
        #expect(!pair.clientSummaries.contains { $0.contains("answered") })
        pair.server.answer(inbound[0], success: false, on: session.server)
        pair.server.answer(inbound[0], success: true, on: session.server)
        pair.pump()
        let answers = pair.clientEvents.compactMap { event -> (RequestToken, Bool)? in
            if case .channel(_, .answered(let token, let success)) = event { return (token, success) }
            return nil
        }
        #expect(answers.map(\.0) == [first, second].compactMap { $0 })
        #expect(answers.map(\.1) == [false, true])
    }

    @Test("output, errors and the exit arrive in the order in which they were written")
    func output() throws {
        let pair = try ChannelPair()
        let session = try pair.openSession()
        for (text, stream) in [("a", SSHDataStream.standardOutput), ("b", .standardError), ("c", .standardOutput)] {
            #expect(pair.serverWrites(ByteBuffer(string: text), stream: stream, on: session.server))
        }
        pair.server.sendEOF(on: session.server)
        pair.pump()
        _ = pair.server.request(
            .exitSignal(ExitSignal(name: "SEGV", coreDumped: true, message: "hi")), on: session.server,
            wantsReply: false)
        pair.server.close(session.server)
        pair.pump()
        #expect(
            pair.clientSummaries == [
                "0 opened", "0 standardOutput 1", "0 standardError 1", "0 standardOutput 1", "0 eof", "0 signal SEGV",
                "0 closed",
            ])
        #expect(pair.serverSummaries.last == "0 closed")
    }

    @Test("a refused channel says why; an answer that takes its time holds nobody up")
    func lateAnswers() throws {
        let pair = try ChannelPair()
        let session = try pair.openSession()
        pair.accepts = false
        let target = TCPAddress(host: "slow", port: 80)
        let slow = try pair.open(.directTCPIP(target: target, originator: TCPAddress(host: "::1", port: 5)))
        guard case .channelOpen(_, .directTCPIP(let asked, let originator))? = pair.serverEvents.last else {
            Issue.record("no open arrived")
            return
        }
        #expect(asked == target && originator.port == 5)
        #expect(pair.clientWrites(ByteBuffer(string: "meanwhile"), on: session.client))
        pair.pump()
        #expect(ChannelPair.bytes(pair.serverEvents) == Array("meanwhile".utf8))
        pair.server.refuse(slow.server, reason: .connectFailed, description: "no route")
        pair.pump()
        #expect(pair.clientSummaries.last == "1 refused 2 no route")
        #expect(pair.server.channels.count == 1)
    }

    @Test("a forward with port 0 is granted with the port that was chosen, and its channels are let in")
    func forwardPortZero() throws {
        let pair = try ChannelPair()
        _ = try pair.client.requestForward(.tcp(TCPAddress(host: "localhost", port: 0)))
        pair.pump()
        guard case .globalRequest(let request)? = pair.serverEvents.last else {
            Issue.record("no request arrived")
            return
        }
        pair.server.answer(request, success: true, port: 40123)
        pair.pump()
        #expect(pair.clientSummaries.last?.contains("40123") == true)
        let origin = TCPAddress(host: "192.0.2.1", port: 7)
        _ = try pair.server.open(.forwardedTCPIP(connected: TCPAddress(host: "x", port: 40123), originator: origin))
        _ = try pair.server.open(.forwardedTCPIP(connected: TCPAddress(host: "x", port: 40124), originator: origin))
        pair.pump()
        #expect(pair.serverSummaries.suffix(2).sorted() == ["0 opened", "1 refused 1 not requested"])
        // Once it is cancelled nothing more is let in.
        _ = try pair.client.cancelForward(.tcp(TCPAddress(host: "localhost", port: 40123)))
        pair.pump()
        if case .globalRequest(let cancel)? = pair.serverEvents.last { pair.server.answer(cancel, success: true) }
        pair.pump()
        _ = try pair.server.open(.forwardedTCPIP(connected: TCPAddress(host: "x", port: 40123), originator: origin))
        pair.pump()
        #expect(pair.serverSummaries.last?.contains("refused 1") == true)
    }

    @Test("unix sockets are forwarded both ways, by their exact path")
    func unixSockets() throws {
        let pair = try ChannelPair()
        _ = try pair.open(.directStreamLocal(path: "/run/app.sock"))
        #expect(pair.serverSummaries.last == "0 asked direct-streamlocal@openssh.com")
        _ = try pair.client.requestForward(.unix(path: "/tmp/s"))
        pair.pump()
        if case .globalRequest(let request)? = pair.serverEvents.last { pair.server.answer(request, success: true) }
        pair.pump()
        _ = try pair.server.open(.forwardedStreamLocal(path: "/tmp/s"))
        _ = try pair.server.open(.forwardedStreamLocal(path: "/tmp/other"))
        pair.pump()
        #expect(pair.clientSummaries.filter { $0.contains("asked forwarded-streamlocal") }.count == 1)
    }

    @Test("the end of reading is told to peers that know it")
    func endOfWrite() throws {
        let pair = try ChannelPair()
        let session = try pair.openSession()
        pair.client.sendEndOfWrite(on: session.client)
        pair.pump()
        #expect(pair.serverSummaries.last == "0 eow")
    }

    @Test("four thousand channels take turns, and each one's bytes are its own")
    func thousands() throws {
        let pair = try ChannelPair(limits: ChannelLimits(channels: 4000, sessions: 4000))
        let target = TCPAddress(host: "db", port: 1)
        var ids: [ChannelID] = []
        for _ in 0..<4000 { ids.append(try pair.client.open(.directTCPIP(target: target, originator: target))) }
        pair.pump()
        #expect(pair.server.channels.count == 4000)
        pair.serverEvents = []
        for (index, id) in ids.enumerated() {
            #expect(pair.clientWrites(ByteBuffer(integer: UInt32(index)), on: id))
        }
        pair.pump()
        var seen: Set<UInt32> = []
        for case .channel(let id, .data(_, let bytes)) in pair.serverEvents {
            #expect(bytes.getInteger(at: bytes.readerIndex) == id.number)
            seen.insert(id.number)
        }
        #expect(seen.count == 4000)
    }
}
