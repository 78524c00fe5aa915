import NIOConcurrencyHelpers
import NIOCore
import Testing

@testable import Gateway

struct AgentSeatTests {
    @Test("a seat takes output for ever: the last of many pieces needs no more stack than the first")
    func endless() {
        let seat = AgentSeat(onControl: { _, _ in }, onEnd: { _, _ in })
        let heard = NIOLockedValueBox<UInt64>(0)
        seat.acknowledges { offset in heard.withLockedValue { $0 = offset } }
        let piece = ByteBuffer(string: "x")
        for offset in UInt64(0)..<300_000 { seat.send(.pieces([.output(offset: offset, piece)])) }
        #expect(heard.withLockedValue { $0 } == 300_000)
    }
}
