import Testing

@testable import Gateway

struct HiddenOutputTests {
    @Test("what comes while it is on is withheld, and what was there before and comes after is not")
    func parts() {
        var hidden = HiddenOutput()
        hidden.begin(line: 5, byte: 100, screen: ["$ ls", "$"])
        #expect(hidden.isOn && hidden.hides(line: 5) && hidden.hides(line: 99) && !hidden.hides(line: 4))
        hidden.end(line: 7, byte: 150, screen: ["$ ls", "secret words", "$"], columns: 80)
        #expect(!hidden.isOn && hidden.hides(line: 7) && !hidden.hides(line: 8))
        func hides(_ row: String, _ columns: Int = 80) -> Bool { hidden.hides(row: row, columns: columns) }
        #expect(hides("secret words") && !hides("$ ls") && !hides("$") && !hides("secret w"))
        #expect(hides("secret w", 8), "a narrower screen shows a part of it")
        let bytes = [UInt8](repeating: 0x78, count: 100)
        let shown = hidden.withheld(bytes, from: 80)
        #expect(shown.count == 100 && shown[..<20] == bytes[..<20] && shown[70...] == bytes[70...])
        #expect(!shown[20..<70].contains(0x78))
        #expect(hidden.withheld(bytes, from: 150) == bytes && hidden.withheld(bytes, from: 0) == bytes)
    }

    @Test("a part of a hidden place is as hidden as all of it")
    func cut() {
        var hidden = HiddenOutput()
        hidden.begin(line: 0, byte: 10, screen: [])
        #expect(hidden.withheld([1, 2, 3], from: 20) == Array(HiddenOutput.words.utf8.prefix(3)))
        #expect(hidden.withheld([1, 2, 3], from: 8)[..<2] == [1, 2])
    }
}
