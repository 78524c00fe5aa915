import Recording
import Testing

@testable import Gateway

@Suite struct MarkerListTests {
    @Test("however much is typed without echo, who comes and who has the keyboard is in the list")
    func paste() {
        var list = MarkerList()
        list.append(RecordingEvent(time: 0, kind: .join(actor: "ada", mode: "control")))
        for line in 0..<5_000 {
            list.append(
                RecordingEvent(time: 1_000_000 + Int64(line), kind: .redactedInput(count: 6, actor: "ada")))
        }
        list.append(RecordingEvent(time: 2_000_000, kind: .controlChange(holder: "bob")))
        #expect(
            list.markers.map(\.label) == [
                "ada joined (control)", "ada typed 30000 characters without echo in 5000 lines", "bob has the keyboard",
            ])
        #expect(list.markers[1].time == 1)
    }

    @Test("lines apart stay apart, and their number is bounded without the others")
    func apart() {
        var list = MarkerList()
        for line in 0..<3_000 {
            list.append(
                RecordingEvent(time: Int64(line) * 10_000_000, kind: .redactedInput(count: 8, actor: "ada")))
        }
        list.append(RecordingEvent(time: 30_000_000_000, kind: .leave(actor: "ada")))
        #expect(list.markers.count == 2_001)
        #expect(list.markers.last?.kind == "leave")
        #expect(!list.isFull)
    }
}
