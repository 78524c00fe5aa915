import Recording
import SSHTools
import Testing

@Suite("Playing a recording")
struct PlaybackTests {
    private static let second: Int64 = 1_000_000

    /// One line each second, from 1 to 9, with a marker behind the fifth and a pause of an hour before the last.
    private static let cast =
        #"{"version": 2, "width": 20, "height": 5}"# + "\n"
        + (1...8).map { "[\($0), \"o\", \"line\($0)\\r\\n\"]\n" + ($0 == 5 ? "[5.5, \"m\", \"here\"]\n" : "") }.joined()
        + "[3608, \"o\", \"line9\\r\\n\"]\n"

    private func playback(_ options: Playback.Options = .init(), cast: String = Self.cast) throws -> Playback {
        try Playback(try AsciicastReader(bytes: Array(cast.utf8)), options: options, now: 0)
    }

    private func text(_ bytes: [UInt8]?) -> String { String(decoding: bytes ?? [], as: UTF8.self) }

    @Test("what is due is shown, and the wait for the next is known")
    func pace() throws {
        var playback = try playback()
        #expect(playback.wait(at: 0) == Self.second)
        #expect(try playback.show(at: Self.second - 1) == [])
        #expect(text(try playback.show(at: 2 * Self.second)) == "line1\r\nline2\r\n")
        #expect(playback.wait(at: 2 * Self.second + 300_000) == 700_000)
    }

    @Test("twice as fast takes half the time")
    func speed() throws {
        var playback = try playback(.init(speed: 2))
        #expect(playback.wait(at: 0) == Self.second / 2)
        #expect(text(try playback.show(at: Self.second)) == "line1\r\nline2\r\n")
    }

    @Test("pauses are cut to the limit, the recording's own where none is given")
    func idleLimit() throws {
        var playback = try playback(.init(idleLimit: Self.second / 2))
        // The marker between two lines counts as well.
        #expect(text(try playback.show(at: 4_500_000)).hasSuffix("line8\r\n"))
        #expect(text(try playback.show(at: 5 * Self.second)) == "line9\r\n")
        #expect(playback.isOver)
        let own = Self.cast.replacing("\"height\": 5", with: "\"height\": 5, \"idle_time_limit\": 0.1")
        var limited = try self.playback(cast: own)
        #expect(text(try limited.show(at: Self.second)).hasSuffix("line9\r\n"))
    }

    @Test("a pause stops the time, and going on continues it")
    func pause() throws {
        var playback = try playback()
        _ = try playback.show(at: Self.second)
        _ = try playback.press(.pause, at: Self.second + 500_000)
        #expect(playback.wait(at: 50 * Self.second) == nil)
        #expect(try playback.show(at: 50 * Self.second) == [])
        _ = try playback.press(.pause, at: 100 * Self.second)
        #expect(playback.wait(at: 100 * Self.second) == 500_000)
    }

    @Test("a step shows the next thing and pauses")
    func step() throws {
        var playback = try playback()
        #expect(text(try playback.press(.step, at: 0)) == "line1\r\n")
        #expect(text(try playback.press(.step, at: 0)) == "line2\r\n")
        #expect(playback.isPaused)
    }

    @Test("seeking draws the screen as it was there, forwards and back")
    func seek() throws {
        var playback = try playback()
        let forwards = text(try playback.press(.move(5 * Self.second), at: 0))
        #expect(forwards.contains("line2") && forwards.contains("line5") && !forwards.contains("line6"))
        #expect(playback.position(at: 0) == 5 * Self.second)
        let back = text(try playback.press(.move(-3 * Self.second), at: 0))
        #expect(back.contains("line2") && !back.contains("line3"))
        #expect(text(try playback.show(at: Self.second)) == "line3\r\n")
        let start = text(try playback.press(.move(-3600 * Self.second), at: Self.second))
        #expect(!start.contains("line"))
    }

    @Test("the next marker is found")
    func marker() throws {
        var playback = try playback()
        let shown = text(try playback.press(.nextMarker, at: 0))
        #expect(shown.contains("line5") && !shown.contains("line6"))
        #expect(playback.position(at: 0) == 5_500_000)
    }

    @Test("the speed changes by keys from there on, within limits")
    func speedKeys() throws {
        var playback = try playback()
        _ = try playback.show(at: Self.second)
        _ = try playback.press(.faster, at: Self.second)
        #expect(playback.wait(at: Self.second) == Self.second / 2)
        for _ in 0..<20 { _ = try playback.press(.faster, at: Self.second) }
        #expect(playback.speed == 64)
        for _ in 0..<40 { _ = try playback.press(.slower, at: Self.second) }
        #expect(playback.speed == 0.0625)
    }

    @Test("quitting ends it")
    func quit() throws {
        var playback = try playback()
        #expect(try playback.press(.quit, at: 0) == nil)
    }

    @Test("a seek lets no title and no mode of the keyboard through either")
    func hostile() throws {
        let cast =
            #"{"version": 2, "width": 20, "height": 5}"# + "\n"
            + #"[1, "o", "\u001b]0;title\u0007\u001b[?1003h\u001b[?2004hseen"]"# + "\n" + #"[9, "o", "x"]"# + "\n"
        var playback = try playback(cast: cast)
        let shown = text(try playback.press(.move(2 * Self.second), at: 0))
        #expect(shown.contains("seen"))
        #expect(!shown.contains("\u{1B}]") && !shown.contains("1003") && !shown.contains("2004"))
    }

    @Test("a recording whose end is far away in time waits in steps that a clock can hold")
    func farAway() throws {
        let cast = #"{"version": 2, "width": 20, "height": 5}"# + "\n" + #"[999999999999, "o", "x"]"# + "\n"
        var playback = try playback(.init(speed: 0.0001), cast: cast)
        #expect(playback.wait(at: 0) ?? 0 > 0)
        #expect(text(try playback.press(.step, at: 0)) == "x")
        #expect(try playback.press(.move(Self.second), at: 0) != nil)
    }
}

@Suite("Keys of the player")
struct PlaybackKeysTests {
    @Test("arrows, letters and signs have their meaning")
    func keys() {
        var keys = PlaybackKeys()
        let found = keys.keys(Array(" .<>+-]\u{1B}[C\u{1B}OD\u{1B}[A\u{1B}[Bq\u{3}x".utf8))
        let minute = 12 * PlaybackKeys.distance
        #expect(
            found == [
                .pause, .step, .slower, .faster, .faster, .slower, .nextMarker, .move(PlaybackKeys.distance),
                .move(-PlaybackKeys.distance), .move(minute), .move(-minute), .quit, .quit,
            ])
    }

    @Test("a key that is cut waits for its rest")
    func cut() {
        var keys = PlaybackKeys()
        #expect(keys.keys([0x1B]) == [])
        #expect(keys.keys([0x5B]) == [])
        #expect(keys.keys([0x43]) == [.move(PlaybackKeys.distance)])
        #expect(keys.keys([0x1B, 0x20]) == [.pause])
    }

    @Test("sequences without an end are given up")
    func endless() {
        var keys = PlaybackKeys()
        #expect(keys.keys(Array("\u{1B}[".utf8) + [UInt8](repeating: 0x31, count: 100)) == [])
        #expect(keys.keys(Array("q".utf8)) == [.quit])
    }
}
