import NIOCore
import Testing

@testable import Gateway

struct FloodGateTests {
    private let begin = NIODeadline.uptimeNanoseconds(1_000_000_000)

    @Test("what is kept comes unhindered, a flood at its pace, and no byte of room is lost")
    func pace() {
        var gate = FloodGate(now: begin)
        var passed = 0
        while passed < FloodGate.free { passed += gate.pass(1 << 20) }
        #expect(gate.withheld == 0)
        var came = passed
        for tick in 1...100 {
            // The host sends whatever it has room for.
            let room = came - passed
            if room < 2 << 20 {
                passed += gate.pass((2 << 20) - room)
                came += (2 << 20) - room
            }
            passed += gate.refill(now: begin + .milliseconds(Int64(tick) * 20))
        }
        #expect(passed + gate.withheld == came)
        let paced = passed - FloodGate.free
        #expect(paced > FloodGate.pace && paced < 3 * FloodGate.pace)
    }

    @Test("a long silence gives no more than a tenth of a second at once")
    func silence() {
        var gate = FloodGate(now: begin)
        #expect(gate.pass(FloodGate.free) == FloodGate.free)
        #expect(gate.pass(10) == 0 && gate.withheld == 10)
        #expect(gate.refill(now: begin + .hours(1)) == 10)
        #expect(gate.pass(FloodGate.pace / 10) == FloodGate.pace / 10)
        #expect(gate.pass(1) == 0)
    }
}
