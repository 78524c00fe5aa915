import NIOCore
import Testing

@testable import SSHProtocol

/// Windows that grow with the link, and whose turn it is.
@Suite struct ChannelWindowTests {
    /// A sender that always has more, over a link that carries `perTrip` bytes in a round trip.
    private func windowAfter(
        trips: Int, perTrip: Int, limits: ChannelLimits = .standard, consumes: Bool = true
    ) throws -> Int {
        let pair = try ChannelPair()
        pair.client.channelLimits = limits
        pair.consumes = consumes
        let session = try pair.openSession()
        var flight: [ByteBuffer] = []
        for _ in 0..<trips {
            // What is under way arrives piece by piece, and each piece is answered on its own.
            var answers: [ByteBuffer] = []
            for bytes in flight {
                pair.client.receive(bytes, now: pair.now)
                pair.takeEvents()
                while let answer = pair.client.drainOutput(now: pair.now) { answers.append(copied(answer)) }
            }
            flight = []
            var left = perTrip
            for answer in [nil] + answers {
                if let answer { pair.server.receive(answer, now: pair.now) }
                pair.takeEvents()
                while left > 0, pair.server.queuedBytes(session.server) < 1 << 20 {
                    _ = pair.server.write(ByteBuffer(repeating: 1, count: 128 * 1024), on: session.server)
                    left -= 128 * 1024
                }
                while let bytes = pair.server.drainOutput(now: pair.now) { flight.append(copied(bytes)) }
            }
            pair.clientEvents = []
        }
        return pair.client.receiveWindow(session.client)
    }

    private func copied(_ bytes: ByteBuffer) -> ByteBuffer { ByteBuffer(bytes: Array(bytes.readableBytesView)) }

    @Test("a link that carries a whole window in a round trip gets a larger one, up to 15 MiB")
    func grows() throws {
        #expect(try windowAfter(trips: 40, perTrip: 64 << 20) == 15 << 20)
    }

    @Test("where it was allowed a window grows to 64 MiB")
    func growsFurther() throws {
        var limits = ChannelLimits.standard
        limits.maximumWindow = 64 << 20
        #expect(try windowAfter(trips: 60, perTrip: 128 << 20, limits: limits) >= 32 << 20)
    }

    @Test("a link that carries less keeps its window")
    func stays() throws {
        #expect(try windowAfter(trips: 40, perTrip: 512 * 1024) == 2 << 20)
    }

    @Test("a reader that does not keep up gets no larger window")
    func slowReader() throws {
        #expect(try windowAfter(trips: 10, perTrip: 64 << 20, consumes: false) == 2 << 20)
    }

    @Test("all windows together stay within the connection's budget")
    func budget() throws {
        var limits = ChannelLimits.standard
        limits.windowBudget = 6 << 20
        limits.initialWindow = 1 << 20
        #expect(try windowAfter(trips: 40, perTrip: 64 << 20, limits: limits) <= 6 << 20)

        var table = ChannelTable(limits: limits)
        var total = 0
        for _ in 0..<64 {
            let id = try table.open(isSession: true)
            total += Int(table.read(id) { $0.receiveWindow.size } ?? 0)
        }
        // What everybody gets at least is beyond the budget here, and little.
        #expect(total <= (6 << 20) + 64 * 64 * 1024)
        for number in 0..<64 { table.remove(UInt32(number)) }
        let id = try table.open(isSession: true)
        #expect(table.read(id) { $0.receiveWindow.size } == 6 << 17)
    }

    @Test("typing goes before data, and a terminal that floods waits its turn")
    func interactiveFirst() throws {
        let pair = try BackToBack.connected()
        let bulk = try pair.openChannel(window: 8 << 20)
        let typed = try pair.openChannel(window: 8 << 20)
        pair.client.setInteractive(true, on: typed)
        #expect(pair.write(ByteBuffer(repeating: 1, count: 4 << 20), on: bulk))
        #expect(pair.write(ByteBuffer(string: "^C"), on: typed))
        try pair.server.receive(try #require(pair.drain()))
        #expect(pair.recipients.first == 71)

        // More than a person types: behind those who were there first.
        let before = pair.recipients.count
        #expect(pair.write(ByteBuffer(repeating: 2, count: 1 << 20), on: typed))
        try pair.server.receive(try #require(pair.drain()))
        #expect(pair.recipients.dropFirst(before).prefix(2).allSatisfy { $0 == 70 })
        #expect(pair.recipients.dropFirst(before).contains(71))
    }
}

extension BackToBack {
    fileprivate var recipients: [UInt32] {
        server.received.compactMap { packet in
            packet.getInteger(at: packet.readerIndex, as: UInt8.self) == 94
                ? packet.getInteger(at: packet.readerIndex + 1, as: UInt32.self) : nil
        }
    }
}
