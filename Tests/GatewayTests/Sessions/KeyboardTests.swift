import NIOCore
import Testing

@testable import Gateway

@Suite("The keyboard between seats")
struct KeyboardTests {
    /// Until the keyboard is this person's.
    private func holder(_ bench: SessionBench, is name: String) async throws {
        for _ in 0..<1000 {
            if await bench.session.lease.holder?.name == name { return }
            try await bench.session.eventLoop.scheduleTask(in: .milliseconds(10)) {}.futureResult.get()
        }
        Issue.record("\(name) never got the keyboard")
    }

    @Test("a paste that is on its way is not cut by somebody who takes the keyboard")
    func paste() async throws {
        try await SessionBench.run { bench in
            let ada = try await bench.sit(bench.ada)
            let bob = try await bench.sit(bench.bob, invited: .control)
            await bench.type(ada, 1, "\u{1B}[200~first ")
            await bench.take(bob)
            await bench.type(bob, 1, "x")
            await bench.type(ada, 2, "second\u{1B}[201~\r")
            try await holder(bench, is: "Bob")
            await bench.type(bob, 2, "y")
            #expect(await bench.hostReceived() == "\u{1B}[200~first second\u{1B}[201~\ry")
            #expect(bob.refusals() == ["not_keyboard_holder"])
        }
    }

    @Test("a paste whose end never comes is ended before the next seat types")
    func openPaste() async throws {
        try await SessionBench.run { bench in
            let ada = try await bench.sit(bench.ada)
            let bob = try await bench.sit(bench.bob, invited: .control)
            await bench.type(ada, 1, "\u{1B}[200~first")
            // Losing the right is no time for patience.
            await bench.session.belongs(to: .init(id: "bob", name: "Bob"))
            await bench.session.reauthorise(userID: "ada")
            await bench.take(bob)
            await bench.type(bob, 1, "y")
            #expect(await bench.hostReceived() == "\u{1B}[200~first\u{1B}[201~y")
        }
    }

    @Test("a holder whose link was lost in the middle of a paste goes on with it")
    func resumedPaste() async throws {
        try await SessionBench.run { bench in
            let ada = try await bench.sit(bench.ada, client: "tab")
            await bench.type(ada, 1, "\u{1B}[200~first ")
            await bench.leave(ada)
            let again = try await bench.sit(bench.ada, client: "tab")
            await bench.type(again, 2, "second\u{1B}[201~")
            #expect(await bench.hostReceived() == "\u{1B}[200~first second\u{1B}[201~")
        }
    }

    @Test("an escape sequence and a line that come in two messages stay together")
    func sequence() async throws {
        try await SessionBench.run { bench in
            let ada = try await bench.sit(bench.ada)
            let bob = try await bench.sit(bench.bob, invited: .control)
            await bench.type(ada, 1, "ls -l \u{1B}[1;")
            await bench.take(bob)
            await bench.type(ada, 2, "5C/tmp\r")
            try await holder(bench, is: "Bob")
            await bench.type(bob, 1, "id\r")
            #expect(await bench.hostReceived() == "ls -l \u{1B}[1;5C/tmp\rid\r")
        }
    }

    @Test("a line that somebody typed and left does not keep the keyboard from others")
    func abandonedLine() async throws {
        try await SessionBench.run { bench in
            let ada = try await bench.sit(bench.ada)
            let bob = try await bench.sit(bench.bob, invited: .control)
            await bench.type(ada, 1, "half a li")
            await bench.take(bob)
            try await holder(bench, is: "Bob")
        }
    }

    @Test("a request for the keyboard names the seat that asks, and goes to the holder alone")
    func request() async throws {
        try await SessionBench.run { bench in
            let ada = try await bench.sit(bench.ada)
            let bob = try await bench.sit(bench.bob, invited: .control)
            let eve = try await bench.sit(bench.guest, invited: .view)
            await bench.request(bob)
            let note = try #require(ada.notes("keyboard.request").first)
            #expect(note.contains(bob.seatID()) && note.contains("\"mode\":\"control\""))
            #expect(eve.notes("keyboard.request").isEmpty)
            await bench.says(ada, "keyboard.decline", #"{"seatId":"\#(bob.seatID())"}"#)
            #expect(bob.notes("keyboard.declined") == [#"{"name":"Ada"}"#])
        }
    }

    @Test("requests and takings are limited for a person, not for a seat")
    func rates() async throws {
        try await SessionBench.run { bench in
            let ada = try await bench.sit(bench.ada)
            for tab in 0..<5 {
                let bob = try await bench.sit(bench.bob, client: "tab\(tab)", invited: .control)
                await bench.request(bob)
            }
            #expect(ada.notes("keyboard.request").count == 3)
            let one = try await bench.sit(bench.bob, client: "tab0")
            let two = try await bench.sit(bench.bob, client: "tab1")
            for _ in 0..<10 {
                await bench.take(one)
                await bench.take(two)
            }
            await bench.settle()
            #expect(one.notices().contains("too_fast") || two.notices().contains("too_fast"))
            #expect(await bench.session.lease.epoch <= 8)
        }
    }

    @Test("an observer's terminal answers to nobody: its reports neither reach the host nor take the keyboard")
    func reports() async throws {
        try await SessionBench.run { bench in
            let ada = try await bench.sit(bench.ada)
            await bench.give(ada, nil)
            let bob = try await bench.sit(bench.bob, invited: .control)
            await bench.type(bob, 1, "\u{1B}[?1;2c")
            await bench.type(bob, 2, "\u{1B}[24;80R")
            await bench.type(bob, 3, "\u{1B}[I")
            #expect(await bench.hostReceived().isEmpty)
            #expect(await bench.session.lease.holder == nil)
            #expect(bob.accepted() == [1, 2, 3])
            await bench.take(ada)
            await bench.type(ada, 1, "\u{1B}[?1;2c")
            await bench.type(ada, 2, "\u{1B}[24;80R")
            #expect(await bench.hostReceived() == "\u{1B}[24;80R")
        }
    }

    @Test("notes of a page that are unknown, broken or too many change nothing")
    func badNotes() async throws {
        try await SessionBench.run { bench in
            let ada = try await bench.sit(bench.ada)
            let bob = try await bench.sit(bench.bob, invited: .view)
            for json in ["", "{", "[]", #"{"looking":"x"}"#] { await bench.says(bob, "attention", json) }
            await bench.says(bob, "no.such", "{}")
            for _ in 0..<500 { await bench.says(bob, "typing", "{}") }
            #expect(ada.notes("typing").count <= 30)
        }
    }
}
