import NIOCore
import Testing

@testable import Gateway

/// A seat's link: so many bytes a second, and so long for the way there and back.
private struct Link {
    let rate: Double
    let journey: Double
    var pace = SeatPace()
    private var now = 1.0
    private var offset: UInt64 = 0

    init(rate: Double, journey: Double) {
        self.rate = rate
        self.journey = journey
    }

    private func deadline(_ seconds: Double) -> NIODeadline { .uptimeNanoseconds(UInt64(seconds * 1e9)) }

    /// Sends so many bytes, and waits for their acknowledgement. Answers the seconds.
    @discardableResult
    mutating func send(_ count: Int, full: Bool) -> Double {
        offset += UInt64(count)
        pace.sent(upTo: offset, at: deadline(now))
        if full { pace.isFull() }
        let seconds = Double(count) / rate + journey
        now += seconds
        pace.acknowledged(upTo: offset, at: deadline(now))
        return seconds
    }

    mutating func flood(_ rounds: Int) -> Double {
        (0..<rounds).reduce(0) { _, _ in send(pace.window, full: true) }
    }
}

struct SeatPaceTests {
    @Test("a wide link gets all that may be under way after a few acknowledgements")
    func wide() {
        var link = Link(rate: 50_000_000, journey: 0.001)
        _ = link.flood(7)
        #expect(link.pace.window == SeatPace.largest && !link.pace.isNarrow)
    }

    @Test("on 300 kbit/s no byte is under way for longer than a quarter of a second, not even the first")
    func narrow() {
        var link = Link(rate: 37_500, journey: 0.02)
        let times = (0..<20).map { _ in link.flood(1) }
        #expect(times.allSatisfy { $0 < 0.25 })
        #expect(link.pace.window >= SeatPace.smallest && link.pace.window < 7000 && link.pace.isNarrow)
    }

    @Test("a long way alone makes no narrow link")
    func longWay() {
        var link = Link(rate: 5_000_000, journey: 0.6)
        for _ in 0..<5 { link.send(10, full: false) }
        _ = link.flood(10)
        #expect(link.pace.window == SeatPace.largest)
    }

    @Test("a link that becomes wide again is used again")
    func recovery() {
        var link = Link(rate: 10_000, journey: 0.02)
        _ = link.flood(10)
        #expect(link.pace.window == SeatPace.smallest)
        var better = Link(rate: 5_000_000, journey: 0.02)
        better.pace = link.pace
        better.pace.restart(at: 0)
        _ = better.flood(10)
        #expect(better.pace.window == SeatPace.largest)
    }

    @Test("what is old is told by when it came")
    func ages() {
        var times = OutputTimes()
        let start = NIODeadline.uptimeNanoseconds(1_000_000_000)
        for step in 0..<200 { times.note(end: UInt64(step + 1) * 100, at: start + .milliseconds(Int64(step) * 20)) }
        let now = start + .milliseconds(199 * 20)
        #expect(times.isOlder(0, than: .milliseconds(400), at: now))
        #expect(!times.isOlder(19_500, than: .milliseconds(400), at: now))
    }
}
