import NIOCore
import Testing

@testable import Gateway

struct SudoDialogueTests {
    /// The text by which sudo asks, and the one by which the command says that it runs.
    private func marks(_ dialogue: SudoDialogue) throws -> (asks: String, begins: String) {
        let script = dialogue.script("id", name: "cmd_x")
        let asks = try #require(script.firstMatch(of: /copilot-asks-[A-Za-z0-9_-]+:/))
        let begins = try #require(script.firstMatch(of: /copilot-begins-[A-Za-z0-9_-]+:/))
        return (String(asks.0), String(begins.0))
    }

    private func view(_ text: String) -> ByteBufferView { ByteBuffer(string: text).readableBytesView }

    @Test("the password is sent once it is asked for, and what follows is the command's", arguments: [1, 7, 1000])
    func asked(piece: Int) throws {
        var dialogue = SudoDialogue(password: [1, 2])
        let (asks, begins) = try marks(dialogue)
        var steps: [SudoDialogue.Step] = []
        var shown: [UInt8] = []
        let bytes = Array("We trust you.\n\(asks)\(begins)own".utf8)
        for start in stride(from: 0, to: bytes.count, by: piece) {
            let part = ByteBuffer(bytes: bytes[start..<min(start + piece, bytes.count)]).readableBytesView
            guard !dialogue.hasBegun else {
                shown += part
                continue
            }
            let (step, words) = dialogue.take(part)
            if step != .wait { steps.append(step) }
            shown += words
        }
        // In one piece both are there at once: then nothing waits for a password any more.
        #expect(piece == 1000 ? steps == [.begin] : steps == [.sendPassword, .begin])
        #expect(String(decoding: shown, as: UTF8.self) == "We trust you.\nown")
    }

    @Test("a sudo that asks for nothing gets no password")
    func free() throws {
        var dialogue = SudoDialogue(password: [1])
        let (_, begins) = try marks(dialogue)
        #expect(dialogue.take(view(begins)).step == .begin && dialogue.hasBegun)
    }

    @Test("a sudo that asks again is refused, and its words are shown")
    func wrong() throws {
        var dialogue = SudoDialogue(password: [1])
        let (asks, _) = try marks(dialogue)
        #expect(dialogue.take(view(asks)).step == .sendPassword)
        let (step, words) = dialogue.take(view("Sorry, try again.\n\(asks)"))
        #expect(step == .refused && String(decoding: words, as: UTF8.self) == "Sorry, try again.\n")
    }

    @Test("what a host writes without an end is not held without an end")
    func flood() {
        var dialogue = SudoDialogue(password: [1])
        for _ in 0..<100 { #expect(dialogue.take(view(String(repeating: "x", count: 1000))).step == .wait) }
        #expect(dialogue.rest().count == 16 << 10)
    }
}
