import Testing

@testable import SSHTools

@Suite("Escape sequences in what a person types")
struct EscapeMachineTests {
    private func steps(_ text: String, escape: Character = "~") -> [EscapeMachine.Step] {
        var machine = EscapeMachine(escape: escape.asciiValue ?? 0)
        return machine.process(Array(text.utf8))
    }

    private func data(_ text: String) -> EscapeMachine.Step { .data(Array(text.utf8)) }

    @Test("the escape character counts at the very beginning")
    func beginning() {
        #expect(steps("~.") == [.command(.disconnect, UInt8(ascii: "."))])
    }

    @Test("behind a carriage return or a line feed it counts, in the middle of a line it is typed text")
    func places() {
        #expect(steps("a~.") == [data("a~.")])
        #expect(steps("a\r~.") == [data("a\r"), .command(.disconnect, UInt8(ascii: "."))])
        #expect(steps("a\n~?b") == [data("a\n"), .command(.help, UInt8(ascii: "?")), data("b")])
    }

    @Test("the escape character twice is the character once")
    func twice() {
        #expect(steps("\r~~.") == [data("\r~.")])
    }

    @Test("an escape of no meaning goes to the host as it was typed")
    func unknown() {
        #expect(steps("\r~x") == [data("\r~x")])
    }

    @Test("a sequence may come in pieces, one byte at a time")
    func pieces() {
        var machine = EscapeMachine(escape: UInt8(ascii: "~"))
        #expect(machine.process([0x0D]) == [.data([0x0D])])
        #expect(machine.process([0x7E]) == [])
        #expect(machine.process([0x1A]) == [.command(.suspend, 0x1A)])
        #expect(machine.process([0x7E]) == [])
        #expect(machine.process([0x43]) == [.command(.commandLine, 0x43)])
    }

    @Test(
        "each letter means what ssh(1) says",
        arguments: [
            (".", .disconnect), ("B", .sendBreak), ("C", .commandLine), ("R", .rekey), ("V", .lessVerbose),
            ("v", .moreVerbose), ("#", .listConnections), ("?", .help), ("&", .background),
        ] as [(String, EscapeMachine.Command)])
    func letters(_ letter: String, _ command: EscapeMachine.Command) throws {
        let byte = try #require(letter.utf8.first)
        #expect(steps("~" + letter) == [.command(command, byte)])
    }

    @Test("another escape character can be chosen, and the tilde means nothing then")
    func otherCharacter() {
        #expect(steps("\r~.", escape: "%") == [data("\r~.")])
        #expect(steps("\r%.", escape: "%") == [data("\r"), .command(.disconnect, UInt8(ascii: "."))])
    }

    @Test("bytes without the escape character pass whole, and the machine knows whether a line ended")
    func passing() {
        var machine = EscapeMachine(escape: UInt8(ascii: "~"))
        let passesLine = machine.passes(Array("ls\r".utf8))
        #expect(passesLine)
        #expect(machine.process(Array("~.".utf8)) == [.command(.disconnect, UInt8(ascii: "."))])
        let passesText = machine.passes(Array("ls".utf8))
        #expect(passesText)
        let passesEscape = machine.passes(Array("~".utf8))
        #expect(!passesEscape)
        #expect(machine.process(Array("~.".utf8)) == [data("~.")])
    }

    @Test("no bytes at all change nothing")
    func empty() {
        var machine = EscapeMachine(escape: UInt8(ascii: "~"))
        let passesNothing = machine.passes([])
        #expect(passesNothing)
        #expect(machine.process([]) == [])
        #expect(machine.process(Array("~.".utf8)) == [.command(.disconnect, UInt8(ascii: "."))])
    }
}
