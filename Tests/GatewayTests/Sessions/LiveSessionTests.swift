import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import Testing

@testable import Gateway

@Suite("A live session")
struct LiveSessionTests {
    @Test("the person who started it has the keyboard; a guest who may only watch is refused at the door")
    func ownerTypes() async throws {
        try await SessionBench.run { bench in
            let ada = try await bench.sit(bench.ada)
            let bob = try await bench.sit(bench.bob, invited: .view)
            await bench.type(ada, 1, "ls\r")
            await bench.type(bob, 1, "rm -rf /\r")
            #expect(await bench.hostReceived() == "ls\r")
            #expect(bob.refusals() == ["view_only"])
            #expect(ada.accepted() == [1])
        }
    }

    @Test("input that was accepted once is not taken twice when a tab sends it again")
    func inputOnce() async throws {
        try await SessionBench.run { bench in
            let ada = try await bench.sit(bench.ada)
            await bench.type(ada, 1, "a")
            await bench.type(ada, 1, "a")
            await bench.type(ada, 2, "b")
            #expect(await bench.hostReceived() == "ab")
            #expect(ada.accepted() == [1, 1, 2])
        }
    }

    @Test("messages without a byte wait for a host that does not read only up to a limit")
    func emptyInput() async throws {
        try await SessionBench.run { bench in
            let ada = try await bench.sit(bench.ada)
            bench.wire.state.withLockedValue { $0.isWritable = false }
            for sequence in 1...10_000 { await bench.type(ada, UInt64(sequence), "") }
            #expect(ada.refusals().last == "too_much_input")
            #expect(await bench.session.waitingInput.count <= 8192)
        }
    }

    @Test("one person holds so many seats that others find a place")
    func seatsEach() async throws {
        try await SessionBench.run(limits: .init(seats: 8, seatsEach: 4)) { bench in
            for tab in 0..<4 { try await bench.sit(bench.bob, client: "tab\(tab)", invited: .view) }
            await #expect(throws: GatewayError.self) { try await bench.sit(bench.bob, client: "tab4") }
            _ = try await bench.sit(bench.ada)
        }
    }

    @Test("a seat that comes back with its offset gets what it missed and nothing twice")
    func resume() async throws {
        try await SessionBench.run { bench in
            let first = try await bench.sit(bench.ada, client: "tab")
            await bench.host("hello ")
            await bench.settle()
            await bench.leave(first)
            await bench.host("world")
            let second = try await bench.sit(bench.ada, client: "tab", have: 6)
            await bench.settle()
            #expect(first.output().hasSuffix("hello "))
            #expect(second.output() == "world")
            #expect(first.seatID() == second.seatID())
        }
    }

    @Test("a late joiner gets the screen as it is, then the stream from that offset")
    func lateJoiner() async throws {
        try await SessionBench.run { bench in
            _ = try await bench.sit(bench.ada)
            await bench.host("before\r\n")
            await bench.settle()
            let bob = try await bench.sit(bench.bob, invited: .view)
            await bench.host("after")
            await bench.settle()
            #expect(bob.snapshotOffset() == 8)
            #expect(bob.snapshotText().contains("before"))
            #expect(bob.output() == "after")
        }
    }

    @Test("a viewer that acknowledges nothing is skipped forward, and the others get every byte")
    func slowViewer() async throws {
        try await SessionBench.run { bench in
            let ada = try await bench.sit(bench.ada)
            let bob = try await bench.sit(bench.bob, invited: .view, acknowledges: false)
            let block = String(repeating: "x", count: 16_384)
            for _ in 0..<400 {
                await bench.host(block)
                await bench.settle()
            }
            #expect(ada.outputBytes() == 400 * 16_384)
            #expect(bob.outputBytes() <= SeatPace.largest + 16_384)
            await bench.acknowledge(bob, bob.lastOffset())
            await bench.settle()
            #expect((1...2).contains(bob.skips()))
            #expect(await bench.creditReturned() == 400 * 16_384)
        }
    }

    @Test("taking the keyboard is seen by all, and the former holder is refused")
    func takeOver() async throws {
        try await SessionBench.run { bench in
            let ada = try await bench.sit(bench.ada)
            let bob = try await bench.sit(bench.bob, invited: .control)
            await bench.take(bob)
            await bench.type(ada, 1, "x")
            await bench.settle()
            #expect(ada.refusals() == ["not_keyboard_holder"])
            #expect(ada.lastState()?.session.keyboard.holder?.name == "Bob")
        }
    }

    @Test("a share never gives more than that person's own permission on the host")
    func ownPermission() async throws {
        try await SessionBench.run { bench in
            let eve = try await bench.sit(bench.guest, invited: .control)
            await bench.type(eve, 1, "x")
            #expect(eve.refusals() == ["view_only"])
        }
    }

    @Test("somebody who was not invited gets no seat")
    func uninvited() async throws {
        try await SessionBench.run { bench in
            await #expect(throws: GatewayError.self) { try await bench.sit(bench.bob) }
        }
    }

    @Test("losing control takes the keyboard away at once, leaving takes the seat")
    func modeChanges() async throws {
        try await SessionBench.run { bench in
            let bob = try await bench.sit(bench.bob, invited: .control)
            await bench.take(bob)
            await bench.invite(bench.bob, .view)
            await bench.type(bob, 1, "x")
            #expect(bob.refusals() == ["view_only"])
            await bench.uninvite(bench.bob)
            #expect(bob.wasRemoved())
        }
    }

    @Test("while the recording cannot be written nothing is shown, typed or lost")
    func stalledRecording() async throws {
        try await SessionBench.run { bench in
            let ada = try await bench.sit(bench.ada)
            await bench.host("seen ")
            await bench.recording(.stalled("The disk is full."))
            await bench.host("held")
            await bench.type(ada, 1, "x")
            await bench.settle()
            #expect(ada.output() == "seen ")
            #expect(ada.refusals() == ["paused"])
            #expect(ada.notices().contains("recording_stalled"))
            await bench.recording(.recovered)
            await bench.settle()
            #expect(ada.output() == "seen held")
            #expect(ada.notices().contains("recording_recovered"))
        }
    }

    @Test("the exit status of the shell ends the session and every seat is told")
    func exit() async throws {
        try await SessionBench.run { bench in
            let ada = try await bench.sit(bench.ada)
            await bench.host("bye")
            await bench.exit(status: 3)
            #expect(ada.output().hasSuffix("bye"))
            #expect(ada.ending()?.exitStatus == 3)
            #expect(ada.ending()?.reason == .exit)
            await #expect(throws: GatewayError.self) { try await bench.sit(bench.ada) }
        }
    }

    @Test("a host that goes away ends the session as lost")
    func hostLost() async throws {
        try await SessionBench.run { bench in
            let ada = try await bench.sit(bench.ada)
            await bench.lost()
            #expect(ada.ending()?.reason == .hostLost)
        }
    }

    @Test("a session without seats ends after its limit, and says so")
    func expiry() async throws {
        try await SessionBench.run(limits: .init(seatlessSeconds: 0)) { bench in
            let ending = try await bench.session.ended.get()
            #expect(ending.reason == .noSeats)
        }
    }

    @Test("the keyboard holder's size is the session's, and a viewer's is not")
    func sizes() async throws {
        try await SessionBench.run { bench in
            let ada = try await bench.sit(bench.ada)
            let bob = try await bench.sit(bench.bob, invited: .view)
            await bench.size(ada, 132, 43)
            await bench.size(bob, 40, 10)
            #expect(await bench.hostSize() == [132, 43])
        }
    }

    @Test("of sizes by the hundred the last one counts")
    func sizeFlood() async throws {
        try await SessionBench.run { bench in
            let ada = try await bench.sit(bench.ada)
            for columns in 100..<400 { await bench.size(ada, columns, 30) }
            var turns = 0
            while await bench.hostSize() != [399, 30], turns < 500 {
                try await Task.sleep(for: .milliseconds(10))
                turns += 1
            }
            #expect(await bench.hostSize() == [399, 30])
        }
    }

    @Test("the host's question to the terminal is answered once, however many look on")
    func queries() async throws {
        try await SessionBench.run { bench in
            _ = try await bench.sit(bench.ada)
            _ = try await bench.sit(bench.bob, invited: .view)
            await bench.host("\u{1b}[6n")
            await bench.settle()
            #expect(await bench.hostReceived() == "\u{1b}[1;1R")
        }
    }
}
