import Testing

@testable import example_builds

@Suite struct BuildsTests {
    @Test("a log's lines have their task before them, whatever pieces they come in")
    func lines() {
        var log = LogLines(task: "compile")
        #expect(log.take("one\ntw".utf8, isAll: false) == ["[compile] one"])
        #expect(log.take("o\r\n\n".utf8, isAll: false) == ["[compile] two", "[compile] "])
        #expect(log.take("end".utf8, isAll: true) == ["[compile] end"])
        #expect(log.take([], isAll: true) == [])
    }

    @Test("a log moves no cursor and fills no memory")
    func hostile() {
        var log = LogLines(task: "t")
        #expect(log.take("\u{1b}[2Jx\u{7}\n".utf8, isAll: false) == ["[t] ·[2Jx·"])
        #expect(log.take(repeatElement(0x61, count: 50_000), isAll: false).count == 3)
    }

    @Test("a time limit is said in the unit that a person counts in")
    func words() {
        #expect(Builds.words(seconds: 90) == "90 seconds")
        #expect(Builds.words(seconds: 1800) == "30 minutes")
        #expect(Builds.words(seconds: 7200) == "2 hours")
    }
}
