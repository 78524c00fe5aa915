import NIOCore
import TestSupport
import Testing

@testable import SSHProtocol

/// Data, windows and requests that break the rules, in both directions.
@Suite struct ChannelHostileDataTests {
    // Case 33, the server's end; the client's is in ChannelTests.
    @Test("data beyond the window and beyond the maximum packet end a server's connection")
    func beyondLimits() throws {
        let beyondMaximum = try ChannelPair()
        _ = try beyondMaximum.openSession()
        try beyondMaximum.clientSends(.data(0, [UInt8](repeating: 0, count: 32769)))
        #expect(beyondMaximum.serverError?.code == .channelViolation)

        let pair = try ChannelPair()
        pair.consumes = false
        _ = try pair.openSession()
        for _ in 0..<64 { try pair.clientSends(.data(0, [UInt8](repeating: 0, count: 32768))) }
        #expect(pair.serverError == nil)
        try pair.clientSends(.data(0, [0]))
        #expect(pair.serverError?.code == .channelViolation)
    }

    // Case 33
    @Test("a window past 4 GiB ends the connection; a hundred thousand adjustments by zero do nothing")
    func adjustments() async {
        await #expect(processExitsWith: .success) {
            let pair = try ChannelPair()
            let session = try pair.openSession()
            try pair.flood(1000, ChannelWindowAdjust(recipient: 0, bytes: 0).encoded)
            let growth = try PeakMemory.growth {
                try pair.flood(100_000, ChannelWindowAdjust(recipient: 0, bytes: 0).encoded)
            }
            #expect(growth < 4 << 20)
            #expect(pair.serverError == nil)
            #expect(pair.server.channels.read(session.server) { !$0.hasWork } == true)
            try pair.clientSends(ChannelWindowAdjust(recipient: 0, bytes: .max).encoded)
            #expect(pair.serverError?.code == .channelViolation)
        }
    }

    // Case 35
    @Test("a hundred thousand answers that nobody asked for are dropped, before and after the channel's close")
    func unsolicitedAnswers() async {
        await #expect(processExitsWith: .success) {
            let pair = try ChannelPair()
            let session = try pair.openSession()
            let answers: [ByteBuffer] = [
                .notice(.channelSuccess, 0), .notice(.channelFailure, 0), ByteBuffer(bytes: [81]),
                ByteBuffer(bytes: [82]),
            ]
            for answer in answers { try pair.flood(1000, answer) }
            let before = pair.serverEvents.count
            let growth = try PeakMemory.growth { for answer in answers { try pair.flood(25_000, answer) } }
            #expect(growth < 4 << 20)
            #expect(pair.serverError == nil)
            #expect(pair.serverEvents.count == before)

            pair.client.close(session.client)
            pair.server.close(session.server)
            pair.pump()
            try pair.clientSends(.notice(.channelSuccess, 0), ChannelWindowAdjust(recipient: 0, bytes: 5).encoded)
            #expect(pair.serverError == nil)
        }
    }

    // Case 36
    @Test("extended data that nobody can read is dropped and its window comes back", arguments: [1, 2, 77] as [UInt32])
    func extendedData(type: UInt32) throws {
        let pair = try ChannelPair()
        pair.consumes = false
        let target = TCPAddress(host: "db", port: 5432)
        // A server's session takes none at all, and neither does a TCP connection, at either end.
        _ = try pair.openSession()
        let tunnel = try pair.open(.directTCPIP(target: target, originator: target))
        for _ in 0..<200 {
            try pair.clientSends(
                .data(0, [UInt8](repeating: 0, count: 32768), type: type),
                .data(1, [UInt8](repeating: 0, count: 32768), type: type))
            try pair.serverSends(.data(tunnel.client.number, [UInt8](repeating: 0, count: 32768), type: type))
        }
        #expect(pair.serverError == nil && pair.clientError == nil)
        #expect(ChannelPair.bytes(pair.serverEvents).isEmpty && ChannelPair.bytes(pair.clientEvents).isEmpty)
    }

    // Case 37
    @Test("a reader that stops fills its own window and no other channel's")
    func stoppedReader() throws {
        let pair = try ChannelPair()
        pair.consumes = false
        let stopped = try pair.openSession()
        let other = try pair.openSession()
        for _ in 0..<4 { #expect(pair.clientWrites(ByteBuffer(repeating: 1, count: 1 << 20), on: stopped.client)) }
        pair.pump()
        #expect(ChannelPair.bytes(pair.serverEvents).count == 2 << 20)
        #expect(pair.client.queuedBytes(stopped.client) == 2 << 20)
        pair.serverEvents = []
        #expect(pair.clientWrites(ByteBuffer(repeating: 2, count: 1 << 20), on: other.client))
        pair.pump()
        #expect(isSame(ChannelPair.bytes(pair.serverEvents), [UInt8](repeating: 2, count: 1 << 20)))
        // And goes on where it stopped.
        pair.serverEvents = []
        _ = pair.server.consumed(2 << 20, on: stopped.server)
        pair.pump()
        #expect(ChannelPair.bytes(pair.serverEvents).count == 2 << 20)
    }

    // Case 37
    @Test("an owner that gives a channel up closes it, and the connection lives")
    func cancelledReader() throws {
        let pair = try ChannelPair()
        pair.consumes = false
        let session = try pair.openSession()
        #expect(pair.clientWrites(ByteBuffer(repeating: 1, count: 4 << 20), on: session.client))
        pair.pump()
        pair.server.abort(session.server)
        pair.pump()
        #expect(pair.clientSummaries.last == "0 closed")
        #expect(pair.clientError == nil && pair.serverError == nil)
        #expect(pair.server.channels.isEmpty && pair.client.channels.isEmpty)
        _ = try pair.openSession()
    }

    // Case 38
    @Test("requests that are cut off fail, and the connection goes on")
    func truncatedRequests() throws {
        let pair = try ChannelPair()
        let session = try pair.openSession()
        let requests: [SessionRequest] = [
            .terminal(type: "xterm", columns: 80, rows: 24, modes: .interactive),
            .windowChange(columns: 80, rows: 24), .signal("INT"), .exec(Array("ls".utf8)), .subsystem("sftp"),
            .environment(name: "A", value: "b"), .breakSignal(milliseconds: 500), .x11(X11Request(cookie: "00")),
            .exitStatus(0), .exitSignal(ExitSignal(name: "TERM")),
        ]
        for request in requests {
            let whole = request.encoded(recipient: 0, wantsReply: true)
            let header = SessionRequest.header(request.type, recipient: 0, wantsReply: true).readableBytes
            for length in header..<whole.readableBytes {
                try pair.clientSends(whole.getSlice(at: whole.readerIndex, length: length) ?? ByteBuffer())
            }
            var longer = whole
            longer.writeInteger(UInt8(0))
            try pair.clientSends(longer)
        }
        #expect(pair.serverError == nil && pair.clientError == nil)
        #expect(!pair.serverSummaries.contains { $0.contains("request") })
        // And one that is whole is heard.
        _ = pair.client.request(.shell, on: session.client, wantsReply: true)
        pair.pump()
        #expect(pair.serverSummaries.last == "0 request shell")
    }

    // Case 38
    @Test("terminal modes end where RFC 4254 §8 says, and a cut argument fails")
    func terminalModes() throws {
        #expect(TerminalModes(encoded: [])?.values.isEmpty == true)
        #expect(TerminalModes(encoded: [53, 0, 0, 0, 1])?[53] == 1)
        #expect(TerminalModes(encoded: [53, 0, 0, 0, 1, 0, 9, 9])?.values.count == 1)
        #expect(TerminalModes(encoded: [160, 1])?.values.isEmpty == true)
        #expect(TerminalModes(encoded: [1, 0, 0, 0, 3, 1, 0, 0, 0, 4])?[1] == 4)
        for length in 1...4 { #expect(TerminalModes(encoded: [UInt8](repeating: 53, count: length)) == nil) }
        let modes = TerminalModes([(1, 3), (42, 1), (129, 38400)])
        #expect(TerminalModes(encoded: modes.encoded) == modes)
    }

    // Case 39
    @Test("impossible forwards fail before anybody is asked", arguments: [65536, UInt32.max])
    func impossibleForward(port: UInt32) throws {
        let pair = try ChannelPair()
        let token = try pair.client.requestForward(.tcp(TCPAddress(host: "", port: port)))
        pair.pump()
        #expect(pair.clientSummaries.last == "forward refused")
        #expect(!pair.serverSummaries.contains { $0.contains("global") })
        #expect(token.number > 0)
    }

    @Test("cut-off global requests fail, and the connection goes on")
    func truncatedGlobalRequests() throws {
        let pair = try ChannelPair()
        for forward in [RemoteForward.tcp(TCPAddress(host: "localhost", port: 80)), .unix(path: "/tmp/x")] {
            for cancels in [false, true] {
                let whole = forward.encoded(cancels: cancels)
                for dropped in 1...4 {
                    try pair.clientSends(
                        whole.getSlice(at: whole.readerIndex, length: whole.readableBytes - dropped) ?? ByteBuffer())
                }
            }
        }
        #expect(pair.serverError == nil)
        #expect(!pair.serverSummaries.contains { $0.contains("global") })
    }

    @Test("an owner that answers nothing is not buried: with 32 questions open nothing more is read")
    func unansweredQuestions() throws {
        let pair = try ChannelPair()
        for port in 0..<200 {
            try pair.client.transport.sendOrHold(
                RemoteForward.tcp(TCPAddress(host: "", port: UInt32(2000 + port))).encoded(cancels: false))
        }
        pair.pump()
        #expect(pair.serverSummaries.filter { $0.contains("global") }.count == GlobalRequests.limit)
        #expect(pair.serverError == nil)
        // With each answer one more comes, in order.
        var answered = 0
        while answered < pair.serverEvents.count {
            if case .globalRequest(let request) = pair.serverEvents[answered] {
                pair.server.answer(request, success: true)
            }
            answered += 1
            pair.pump()
        }
        #expect(pair.serverSummaries.filter { $0.contains("global") }.count == 200)
    }
}

extension ChannelPair {
    /// The client sends a message again and again.
    fileprivate func flood(_ count: Int, _ message: ByteBuffer) throws {
        for index in 0..<count {
            try client.transport.sendOrHold(message)
            if index % 1000 == 999 { pump() }
        }
        pump()
    }
}
