import Foundation
import NIOCore
import TestSupport
import Testing

@testable import SSHProtocol

/// Opens that no honest peer sends, and more of them than anybody needs.
@Suite struct ChannelHostileOpeningTests {
    private func open(_ type: String, _ sender: UInt32, maximumPacket: UInt32 = 32768, body: [UInt8] = []) -> ByteBuffer
    {
        var message = ChannelOpen(type: type, sender: sender, window: 1 << 20, maximumPacket: maximumPacket).encoded
        message.writeBytes(body)
        return message
    }

    // Case 32, the server's end; the client's is in ChannelTests.
    @Test(
        "messages for a channel that does not exist end a server's connection and reach no other channel",
        arguments: [91, 92, 93, 94, 95, 96, 97, 98, 99, 100] as [UInt8])
    func unknownChannel(number: UInt8) throws {
        let pair = try ChannelPair()
        _ = try pair.openSession()
        let bodies: [UInt8: [UInt8]] = [
            91: [0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0], 92: [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0], 93: [0, 0, 0, 1],
            94: [0, 0, 0, 0], 95: [0, 0, 0, 1, 0, 0, 0, 0], 98: [0, 0, 0, 1, 0x78, 0],
        ]
        try pair.clientSends(ByteBuffer(bytes: [number, 0, 0, 0, 9] + (bodies[number] ?? [])))
        #expect(pair.serverError?.code == .channelViolation)
        #expect(!pair.serverSummaries.contains { $0.hasPrefix("9 ") })
    }

    @Test(
        "data for a channel that was offered and not accepted ends the connection",
        arguments: [93, 94, 96, 97] as [UInt8])
    func unconfirmed(number: UInt8) throws {
        let pair = try ChannelPair()
        pair.accepts = false
        _ = try pair.openSession()
        try pair.clientSends(
            ByteBuffer(bytes: [number, 0, 0, 0, 0] + (number == 93 || number == 94 ? [0, 0, 0, 0] : [])))
        #expect(pair.serverError?.code == .channelViolation)
    }

    // Case 32
    @Test("whoever still holds a closed channel does not reach the one that has its number now")
    func staleHandle() throws {
        let pair = try ChannelPair()
        let old = try pair.openSession()
        pair.client.close(old.client)
        pair.pump()
        let new = try pair.openSession()
        #expect(new.client.number == old.client.number)
        #expect(!pair.clientWrites(ByteBuffer(string: "for nobody"), on: old.client))
        pair.client.close(old.client)
        pair.client.abort(old.client)
        pair.pump()
        #expect(ChannelPair.bytes(pair.serverEvents).isEmpty)
        #expect(pair.clientWrites(ByteBuffer(string: "x"), on: new.client))
        pair.pump()
        #expect(ChannelPair.bytes(pair.serverEvents) == Array("x".utf8))
    }

    // Case 34
    @Test("ten thousand sessions that are accepted and closed, or a hundred thousand, leave nothing behind")
    func acceptedOpens() async {
        await #expect(processExitsWith: .success) {
            let isLong = ProcessInfo.processInfo.environment["COPILOT_FULL_TESTS"] != nil
            try ChannelHostileOpeningTests.openAndClose(rounds: 100)
            let growth = try PeakMemory.growth {
                try ChannelHostileOpeningTests.openAndClose(rounds: isLong ? 10_000 : 1000)
            }
            #expect(growth < 4 << 20)
        }
    }

    /// Ten at a time.
    private static func openAndClose(rounds: Int) throws {
        let pair = try ChannelPair()
        for round in 0..<rounds {
            for _ in 0..<10 { _ = try pair.client.openSession() }
            pair.pump()
            for id in pair.clientIDs { pair.client.close(id) }
            for id in pair.serverIDs { pair.server.close(id) }
            pair.pump()
            if round % 100 == 0 { #expect(pair.server.channels.isEmpty && pair.client.channels.isEmpty) }
            pair.clientEvents = []
            pair.serverEvents = []
        }
        #expect(pair.serverError == nil)
        // Ten numbers were enough.
        #expect(try pair.openSession().server.number < 10)
    }

    // Case 34
    @Test("opens beyond the limit of sessions are refused, a hundred thousand of them, and cost no slot")
    func refusedOpens() async {
        await #expect(processExitsWith: .success) {
            let pair = try ChannelPair(limits: ChannelLimits(channels: 256, sessions: 10))
            for _ in 0..<10 { _ = try pair.openSession() }
            try pair.floodWithOpens(2000)
            let growth = try PeakMemory.growth { try pair.floodWithOpens(100_000) }
            #expect(growth < 4 << 20)
            #expect(pair.serverError == nil)
            #expect(pair.server.channels.count == 10)
        }
    }

    @Test("a peer that was refused everything may still open what is allowed")
    func directAfterSessions() throws {
        let pair = try ChannelPair(limits: ChannelLimits(channels: 12, sessions: 1))
        let target = TCPAddress(host: "db", port: 5432)
        _ = try pair.openSession()
        for _ in 0..<3 { _ = try pair.client.openSession() }
        pair.pump()
        #expect(pair.clientSummaries.filter { $0.contains("refused 4") }.count == 3)
        for _ in 0..<11 { _ = try pair.client.open(.directTCPIP(target: target, originator: target)) }
        pair.pump()
        #expect(pair.server.channels.count == 12)
        _ = try? pair.client.open(.directTCPIP(target: target, originator: target))
        pair.pump()
        #expect(pair.server.channels.count == 12)
    }

    // Case 33
    @Test("a maximum packet of zero ends the connection, one of nine bytes is obeyed")
    func smallPackets() throws {
        let refused = try ChannelPair()
        try refused.clientSends(open("session", 0, maximumPacket: 0))
        #expect(refused.serverError?.code == .channelViolation)

        let pair = try ChannelPair()
        _ = try pair.clientForges(open("session", 0, maximumPacket: 9))
        #expect(pair.serverSummaries.last == "0 asked session")
        #expect(pair.serverError == nil)
    }

    // Case 39
    @Test(
        "a client is opened nothing it did not ask for",
        arguments: [
            "session", "direct-tcpip", "direct-streamlocal@openssh.com", "forwarded-tcpip", "x11",
            "forwarded-streamlocal@openssh.com", "auth-agent@openssh.com", "tun@openssh.com", "",
        ])
    func uninvited(type: String) throws {
        let pair = try ChannelPair()
        let address: [UInt8] = [0, 0, 0, 1, 0x61, 0, 0, 0, 22]
        #expect(try pair.serverForges(open(type, 3, body: address + address)) > 0)
        #expect(try pair.serverForges(open(type, 4, body: [0, 0])) > 0)
        #expect(pair.clientError == nil)
        #expect(!pair.clientSummaries.contains { $0.contains("asked") })
        #expect(pair.client.channels.isEmpty)
    }

    // Case 39
    @Test(
        "a server is opened nothing that only servers open",
        arguments: ["forwarded-tcpip", "auth-agent@openssh.com", "x11"])
    func backwards(type: String) throws {
        let pair = try ChannelPair()
        let address: [UInt8] = [0, 0, 0, 1, 0x61, 0, 0, 0, 22]
        #expect(try pair.clientForges(open(type, 3, body: address + address)) > 0)
        #expect(pair.serverError == nil)
        #expect(pair.server.channels.isEmpty)
    }

    // Case 39
    @Test("one X11 connection was agreed on: the second is refused")
    func singleX11() throws {
        let pair = try ChannelPair()
        let session = try pair.openSession()
        let request = SessionRequest.x11(X11Request(isSingle: true, cookie: "00"))
        _ = pair.client.request(request, on: session.client, wantsReply: true)
        pair.pump()
        pair.answerLast(success: true)
        let origin = TCPAddress(host: "::1", port: 6010)
        _ = try pair.server.open(.x11(originator: origin))
        _ = try pair.server.open(.x11(originator: origin))
        pair.pump()
        #expect(pair.clientSummaries.filter { $0.contains("asked x11") }.count == 1)
        #expect(pair.serverSummaries.filter { $0.contains("refused 1") }.count == 1)
    }

    // Case 39
    @Test("a refused wish for an agent opens no door", arguments: [true, false])
    func agent(isGranted: Bool) throws {
        let pair = try ChannelPair()
        let session = try pair.openSession()
        _ = pair.client.request(.agentForwarding, on: session.client, wantsReply: true)
        pair.pump()
        pair.answerLast(success: isGranted)
        _ = try pair.server.open(.agent)
        pair.pump()
        #expect(pair.clientSummaries.contains { $0.contains("asked auth-agent") } == isGranted)
    }

    // Case 39
    @Test("ports that do not exist are refused before anybody is asked", arguments: [0, 65536, UInt32.max])
    func impossibleTarget(port: UInt32) throws {
        let pair = try ChannelPair()
        let origin = TCPAddress(host: "127.0.0.1", port: 1)
        _ = try pair.client.open(.directTCPIP(target: TCPAddress(host: "a", port: port), originator: origin))
        pair.pump()
        #expect(pair.clientSummaries.last == "0 refused 2 there is no such port")
        #expect(pair.server.channels.isEmpty)
    }

    @Test("after no-more-sessions a client that opens one all the same is cut off")
    func noMoreSessions() throws {
        let pair = try ChannelPair()
        _ = try pair.openSession()
        pair.client.sendNoMoreSessions()
        #expect(throws: ProtocolError.self) { try pair.openSession() }
        pair.pump()
        #expect(pair.serverError == nil)
        try pair.clientSends(open("session", 9))
        #expect(pair.serverError?.code == .channelViolation)
    }
}

extension ChannelPair {
    fileprivate var clientIDs: [ChannelID] {
        clientEvents.compactMap { event in
            if case .channel(let id, .opened) = event { return id }
            return nil
        }
    }

    fileprivate var serverIDs: [ChannelID] {
        serverEvents.compactMap { event in
            if case .channelOpen(let id, _) = event { return id }
            return nil
        }
    }

    fileprivate func floodWithOpens(_ count: Int) throws {
        let open = ChannelOpen(type: "session", sender: 1000, window: 1 << 20, maximumPacket: 32768).encoded
        for index in 0..<count {
            try client.transport.sendOrHold(open)
            if index % 1000 == 0 { drainRefusals() }
        }
        drainRefusals()
    }

    /// The client does not know the channels that were opened in its name, so it must not see the answers.
    private func drainRefusals() {
        while let bytes = client.drainOutput(now: now) {
            server.receive(ByteBuffer(bytes: Array(bytes.readableBytesView)), now: now)
            while server.nextEvent() != nil {}
        }
        while server.drainOutput(now: now) != nil {}
    }

    /// Answers the server's latest channel request.
    func answerLast(success: Bool) {
        for case .channel(let id, .request(let request)) in serverEvents.reversed() {
            server.answer(request, success: success, on: id)
            break
        }
        pump()
    }
}
