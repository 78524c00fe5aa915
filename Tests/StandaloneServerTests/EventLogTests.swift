import Testing

@testable import StandaloneServer

struct EventLogTests {
    private let event = ServerEvent(
        .signInRefused, [("connection", .number(7)), ("user", .text("a\"b\n\u{1b}[2Jc")), ("key", nil)])

    @Test("A line of JSON holds whatever came from outside as a string")
    func json() {
        #expect(
            EventLog.json(event, "d1", "T")
                == #"{"time":"T","event":"sign_in_refused","device":"d1","connection":7,"#
                + #""user":"a\"b\u000a\u001b[2Jc"}"# + "\n")
    }

    @Test("A line for people has no control characters of others in it")
    func text() {
        let line = EventLog.text(event, nil, "T")
        #expect(line.hasPrefix("T sign-in-refused connection=7 user="))
        #expect(line.unicodeScalars.filter { $0.value < 32 }.map(\.value) == [10])
    }
}
