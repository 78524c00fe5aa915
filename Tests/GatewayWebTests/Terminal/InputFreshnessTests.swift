import NIOCore
import Testing

@testable import GatewayWeb

@Suite("Input that lay in a stalled connection")
struct InputFreshnessTests {
    private func at(_ seconds: Double) -> NIODeadline { .uptimeNanoseconds(UInt64(seconds * 1_000_000_000)) }

    @Test("keys between pings pass, as long as the page is heard")
    func fresh() {
        var freshness = InputFreshness()
        freshness.pinged(0, at: at(100))
        let first = freshness.mayPass(at: at(103))
        freshness.pinged(4000, at: at(104))
        let second = freshness.mayPass(at: at(104))
        #expect(first && second)
    }

    @Test("what comes after a long silence, or with a ping that took long, is held until a ping is in time again")
    func stalled() {
        var freshness = InputFreshness()
        freshness.pinged(0, at: at(100))
        let silent = freshness.mayPass(at: at(160))
        freshness.pinged(4000, at: at(160))
        let late = freshness.mayPass(at: at(160))
        freshness.pinged(60_100, at: at(160.1))
        let fresh = freshness.mayPass(at: at(160.2))
        #expect([silent, late, fresh] == [false, false, true])
    }

    @Test("a page whose clock stood still types again after its second ping")
    func slept() {
        var freshness = InputFreshness()
        freshness.pinged(1000, at: at(100))
        freshness.pinged(2000, at: at(3700))
        let first = freshness.mayPass(at: at(3700))
        freshness.pinged(3000, at: at(3701))
        let second = freshness.mayPass(at: at(3701))
        #expect(!first && second)
    }

    @Test("a client that never pings is taken at its word; absurd clocks trap nothing")
    func others() {
        var silent = InputFreshness()
        _ = silent.mayPass(at: at(1))
        let passes = silent.mayPass(at: at(10_000))
        var absurd = InputFreshness()
        absurd.pinged(.max, at: at(0))
        absurd.pinged(0, at: at(1))
        absurd.pinged(.max, at: at(2))
        #expect(passes)
    }
}
