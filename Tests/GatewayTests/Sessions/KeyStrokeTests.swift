import NIOConcurrencyHelpers
import NIOCore
import Terminal
import Testing

@testable import Gateway

@Suite("A key stroke's way")
struct KeyStrokeTests {
    @Test("a key leaves for the host at once, a paste with what follows it")
    func urgent() async throws {
        try await SessionBench.run { bench in
            let seat = try await bench.sit(bench.ada)
            await bench.type(seat, 1, "l")
            let paste = String(repeating: "x", count: 1000)
            await bench.type(seat, 2, paste)
            await bench.type(seat, 3, "s")
            #expect(await bench.hostReceived() == "l" + paste + "s")
            #expect(bench.wire.state.withLockedValue { $0.urgent } == "ls")
            #expect(seat.accepted() == [1, 2, 3])
        }
    }

    @Test("the echo is with the seats within the call that brought it, and so is the screen with it")
    func echo() async throws {
        try await SessionBench.run { bench in
            let seat = try await bench.sit(bench.ada)
            await bench.settle()
            await bench.type(seat, 1, "l")
            let (shown, screen) = try await bench.session.eventLoop.submit {
                bench.session.assumeIsolated { session in
                    session.received(ByteBuffer(string: "l"))
                    return (seat.output(), session.screen.text.first ?? "")
                }
            }.get()
            #expect(shown == "l" && screen.hasPrefix("l"))
        }
    }

    @Test("output that comes without a key is collected until the end of the tick")
    func flood() async throws {
        try await SessionBench.run { bench in
            let seat = try await bench.sit(bench.ada)
            await bench.settle()
            let atOnce = try await bench.session.eventLoop.submit {
                bench.session.assumeIsolated { session in
                    for _ in 0..<50 { session.received(ByteBuffer(string: String(repeating: "y\r\n", count: 200))) }
                    return seat.outputBytes()
                }
            }.get()
            #expect(atOnce == 0)
            await bench.settle()
            #expect(seat.outputBytes() > 0)
        }
    }
}

@Suite("The picture at a keyframe of a command's recording")
struct CommandPictureTests {
    @Test("shows the end of what came, however much that was")
    func end() {
        var picture = CommandPicture()
        for number in 0..<20_000 { picture.feed(ByteBuffer(string: "line \(number)\r\n")) }
        let shown = String(decoding: picture.draw(), as: UTF8.self)
        #expect(shown.contains("line 19999") && shown.contains("line 19980") && !shown.contains("line 19900"))
        picture.feed(ByteBuffer(string: "and on"))
        let next = String(decoding: picture.draw(), as: UTF8.self)
        #expect(next.contains("line 19999") && next.contains("and on"))
    }

    @Test("one piece larger than it looks at is cut at a line")
    func large() {
        var picture = CommandPicture()
        picture.feed(ByteBuffer(string: "\u{1B}]0;" + String(repeating: "long title ", count: 10_000) + "\nlast line"))
        #expect(String(decoding: picture.draw(), as: UTF8.self).contains("last line"))
    }
}
