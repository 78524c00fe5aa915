import Testing

@testable import Gateway

@Suite("A session that must be watched")
struct WatchTests {
    @Test("the host hears nothing until a moderator looks on, and nothing after they leave")
    func gate() async throws {
        try await SessionBench.run(watch: .host) { bench in
            let ada = try await bench.sit(bench.ada)
            await bench.type(ada, 1, "rm -rf /\r")
            #expect(ada.refusals() == ["unwatched"])
            #expect(ada.lastState()?.you.mayType == false)
            let bob = try await bench.sit(bench.bob, invited: .moderate)
            await bench.type(ada, 2, "ls\r")
            #expect(await bench.hostReceived() == "ls\r")
            await bench.leave(bob)
            await bench.type(ada, 3, "id\r")
            #expect(await bench.hostReceived() == "ls\r")
            #expect(ada.refusals() == ["unwatched", "unwatched"])
            _ = try await bench.sit(bench.bob)
            await bench.type(ada, 4, "id\r")
            #expect(await bench.hostReceived() == "ls\rid\r")
        }
    }

    @Test("a moderator whose page is in the background, or shows another session, does not watch")
    func attention() async throws {
        try await SessionBench.run(watch: .host) { bench in
            let ada = try await bench.sit(bench.ada)
            let bob = try await bench.sit(bench.bob, invited: .moderate)
            await bench.says(bob, "attention", #"{"looking":false}"#)
            await bench.type(ada, 1, "a")
            await bench.says(bob, "attention", #"{"looking":true}"#)
            await bench.session.visible(seat: bob.seatID(), false)
            await bench.type(ada, 2, "b")
            await bench.session.visible(seat: bob.seatID(), true)
            await bench.type(ada, 3, "c")
            #expect(await bench.hostReceived() == "c")
            #expect(ada.refusals() == ["unwatched", "unwatched"])
        }
    }

    @Test("the moderator never types, and cannot take the keyboard")
    func moderatorTypes() async throws {
        try await SessionBench.run(watch: .host) { bench in
            _ = try await bench.sit(bench.ada)
            let bob = try await bench.sit(bench.bob, invited: .moderate)
            await bench.take(bob)
            await bench.type(bob, 1, "x")
            #expect(bob.refusals() == ["view_only"])
            #expect(await bench.hostReceived().isEmpty)
        }
    }

    @Test("the owner alone, on a second device, is not a second pair of eyes")
    func ownerTwice() async throws {
        try await SessionBench.run(watch: .host) { bench in
            let ada = try await bench.sit(bench.ada)
            let phone = try await bench.sit(bench.ada, client: "phone", invited: .moderate)
            await bench.type(ada, 1, "x")
            await bench.type(phone, 1, "x")
            #expect(await bench.hostReceived().isEmpty)
        }
    }

    @Test("a guest who was made moderator beyond their own permission only watches, and does not count")
    func guestModerator() async throws {
        try await SessionBench.run(watch: .host) { bench in
            let ada = try await bench.sit(bench.ada)
            let eve = try await bench.sit(bench.guest, invited: .moderate)
            #expect(eve.lastState()?.you.mode == .view)
            await bench.type(ada, 1, "x")
            #expect(ada.refusals() == ["unwatched"])
        }
    }

    @Test("answers of the terminal and a new size wait for the watcher, too")
    func heldAnswers() async throws {
        try await SessionBench.run(watch: .host) { bench in
            let ada = try await bench.sit(bench.ada)
            await bench.host("\u{1B}[5n")
            await bench.size(ada, 100, 30)
            #expect(await bench.hostReceived().isEmpty)
            #expect(await bench.hostSize().isEmpty)
            _ = try await bench.sit(bench.bob, invited: .moderate)
            #expect(await bench.hostReceived() == "\u{1B}[0n")
            #expect(await bench.hostSize() == [100, 30])
        }
    }

    @Test("whoever may moderate that host finds the session without an invitation, and nobody else does")
    func uninvited() async throws {
        try await SessionBench.run(watch: .session) { bench in
            let bob = try await bench.sit(bench.bob)
            #expect(bob.lastState()?.you.mode == .moderate)
            await #expect(throws: GatewayError.self) { try await bench.sit(bench.guest) }
        }
    }

    @Test("what reaches the host beside the terminal is refused with the reason")
    func besideTheTerminal() async throws {
        try await SessionBench.run(watch: .host) { bench in
            _ = try await bench.sit(bench.ada)
            let code: String?
            do {
                try await bench.session.requireOpen()
                code = nil
            } catch { code = (error as? GatewayError)?.code }
            #expect(code == "unwatched")
            _ = try await bench.sit(bench.bob, invited: .moderate)
            try await bench.session.requireOpen()
        }
    }

    @Test("input stopped by hand is refused until it goes on")
    func held() async throws {
        try await SessionBench.run { bench in
            let ada = try await bench.sit(bench.ada)
            await bench.session.hold(.init(id: "bob", name: "Bob"), by: "Bob")
            await bench.type(ada, 1, "x")
            await bench.session.hold(nil, by: "Bob")
            await bench.type(ada, 2, "y")
            #expect(ada.refusals() == ["held"])
            #expect(await bench.hostReceived() == "y")
        }
    }
}
