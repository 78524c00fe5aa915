import NIOCore
import Testing

@testable import SFTP

/// How fast a session may be.
struct PaceTests {
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)

    @Test("bytes are through when their time has come, one after another")
    func steady() {
        var pace = Pace()
        #expect(pace.next(500, rate: 1000, now: start) == start + .milliseconds(500))
        #expect(pace.next(500, rate: 1000, now: start) == start + .seconds(1))
        #expect(pace.next(100, rate: 1000, now: start + .seconds(1)) == start + .milliseconds(1100))
    }

    @Test("a pause saves up no more than a quarter of a second")
    func pause() {
        var pace = Pace()
        _ = pace.next(1000, rate: 1000, now: start)
        let later = start + .seconds(60)
        #expect(pace.next(250, rate: 1000, now: later) == nil)
        #expect(pace.next(250, rate: 1000, now: later) == later + .milliseconds(250))
    }

    @Test("a slow session has little under way, in small requests")
    func bounds() {
        var flight = FlightControl()
        flight.bounds = FlightLimits(bytesPerSecond: 100_000)
        #expect(flight.limit == 25_000 && flight.chunk(upTo: 1 << 18) == 10_000)
        flight.bounds = FlightLimits(bytesPerRequest: 4096, requests: 8)
        #expect(flight.limit == 32_768 && flight.chunk(upTo: 1 << 18) == 4096)
        flight.bounds = FlightLimits()
        #expect(flight.limit == FlightControl.initial)
    }
}
