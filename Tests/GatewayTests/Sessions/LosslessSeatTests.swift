import Testing

@testable import Gateway

@Suite("Seats that lose nothing")
struct LosslessSeatTests {
    private static let piece = String(repeating: "x", count: 64 * 1024)

    @Test("the host waits for a lossless seat that types, and nothing of what it sent is skipped")
    func waits() async throws {
        try await SessionBench.run { bench in
            let ada = try await bench.sit(bench.ada, have: 0, acknowledges: false)
            await bench.session.setLossless(seat: ada.seatID())
            await bench.type(ada, 1, "cat big\r")
            // Four times what the log keeps.
            for _ in 0..<128 { await bench.host(Self.piece) }
            await bench.settle()
            #expect(await bench.creditReturned() <= 1024 * 1024)
            var seen: UInt64 = 0
            while seen < UInt64(128 * Self.piece.utf8.count) {
                let now = ada.lastOffset()
                try #require(now > seen, "the seat must get more when it has read what it got")
                seen = now
                await bench.acknowledge(ada, seen)
                await bench.settle()
            }
            #expect(ada.skips() == 0)
            #expect(await bench.creditReturned() == 128 * Self.piece.utf8.count)
        }
    }

    @Test("the end of the host's shell waits for its last output")
    func end() async throws {
        try await SessionBench.run { bench in
            let ada = try await bench.sit(bench.ada, have: 0, acknowledges: false)
            await bench.session.setLossless(seat: ada.seatID())
            await bench.type(ada, 1, "x")
            for _ in 0..<32 { await bench.host(Self.piece) }
            await bench.exit(status: 3)
            await bench.settle()
            #expect(await bench.session.state == .live)
            while await bench.session.state == .live {
                await bench.acknowledge(ada, ada.lastOffset())
                await bench.settle()
            }
            #expect(await bench.session.ending?.exitStatus == 3)
            #expect(ada.lastOffset() == UInt64(32 * Self.piece.utf8.count) && ada.skips() == 0)
        }
    }

    @Test("when somebody else takes the keyboard, or the seat leaves, nobody waits for it any more")
    func released() async throws {
        try await SessionBench.run { bench in
            let ada = try await bench.sit(bench.ada, have: 0, acknowledges: false)
            let bob = try await bench.sit(bench.bob, invited: .control)
            await bench.session.setLossless(seat: ada.seatID())
            await bench.type(ada, 1, "x")
            for _ in 0..<16 { await bench.host(Self.piece) }
            await bench.settle()
            #expect(await bench.session.isWaitingForSeat)
            await bench.take(bob)
            await bench.settle()
            #expect(await bench.session.heldOutput.isEmpty)
            #expect(await bench.creditReturned() == 16 * Self.piece.utf8.count)
            await bench.take(ada)
            for _ in 0..<16 { await bench.host(Self.piece) }
            await bench.settle()
            await bench.leave(ada)
            await bench.settle()
            #expect(await bench.session.heldOutput.isEmpty)
            #expect(await bench.creditReturned() == 32 * Self.piece.utf8.count)
        }
    }
}
