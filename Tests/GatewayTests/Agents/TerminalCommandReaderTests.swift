import Testing

@testable import Gateway

struct TerminalCommandReaderTests {
    private static let bash = PromptMarks(processID: "7", shell: "bash", nonce: "n0nce", generation: 0)
    private static let dash = PromptMarks(processID: "7", shell: "dash", nonce: "n0nce", generation: 0)

    /// What comes of these bytes, cut into pieces of every size.
    private func read(_ text: String, _ marks: PromptMarks?) -> [(text: String, exitCode: Int?, folder: String?)] {
        [1, 2, 7, 4096].map { size in
            var reader = TerminalCommandReader(columns: 80, rows: 24, marks: marks)
            let bytes = Array(text.utf8)
            var found = ""
            for begin in stride(from: 0, to: bytes.count, by: size) {
                found += reader.read(Array(bytes[begin..<min(begin + size, bytes.count)]))
            }
            return (found, reader.ending?.exitCode, reader.ending?.folder)
        }
    }

    private func end(_ code: Int, _ folder: String, nonce: String = "n0nce") -> String {
        "\u{1B}]133;D;\(code);\(nonce);\(folder)\u{7}"
    }

    @Test("the output stands between the mark of its beginning and that of the prompt, as the screen shows it")
    func marked() {
        let bytes =
            "make\r\n\u{1B}]133;C;n0nce\u{7}10%\r50%\r100%\r\nbell\u{7}s\r\nno end" + end(3, "/srv;a") + "p$ next"
        for found in read(bytes, Self.bash) {
            #expect(found.text == "100%\nbells\nno end" && found.exitCode == 3 && found.folder == "/srv;a")
        }
    }

    @Test("where the beginning has no mark it is behind the echo")
    func unmarkedBeginning() {
        for found in read("seq 2\r\n1\r\n2\r\n" + end(0, "/") + "$ ", Self.dash) {
            #expect(found.text == "1\n2\n" && found.exitCode == 0)
        }
    }

    @Test("a program that prints a mark without the word of this session ends nothing")
    func forged() {
        let bytes =
            "x\r\n\u{1B}]133;C;n0nce\u{7}" + end(0, "/", nonce: "other") + "\u{1B}]133;D;0\u{7}still\r\n" + end(7, "/")
        for found in read(bytes, Self.bash) { #expect(found.text == "still\n" && found.exitCode == 7) }
    }

    @Test("the prompt before the command is not its end")
    func promptBefore() {
        for found in read(end(0, "/") + "p$ ls\r\n\u{1B}]133;C;n0nce\u{7}a\r\n" + end(0, "/"), Self.bash) {
            #expect(found.text == "a\n")
        }
    }

    @Test("a signal's exit code is counted from 128, as everywhere but in ksh93")
    func signals() {
        #expect(Self.dash.read("D;258;n0nce;/x") == .ended(exitCode: 130, folder: "/x"))
        #expect(Self.dash.read("D;130;n0nce;/x") == .ended(exitCode: 130, folder: "/x"))
        #expect(Self.dash.read("D;x;n0nce;/x") == .ended(exitCode: nil, folder: "/x"))
        #expect(Self.dash.read("A") == nil && Self.dash.read("D;0") == nil)
    }

    @Test(
        "every shell's line is one line that holds no mark itself",
        arguments: [
            "bash", "zsh", "fish", "tcsh", "sh", "dash", "ash", "busybox", "ksh", "ksh93", "mksh",
        ])
    func installation(shell: String) throws {
        let marks = PromptMarks(processID: "7", shell: shell, nonce: "n0nce", generation: 0)
        let line = try #require(marks.installation)
        #expect(!line.unicodeScalars.contains { $0.value < 32 || $0.value > 126 } && line.contains("n0nce"))
        #expect(line.utf8.count < 400)
    }
}
