import Testing

@testable import Recording

/// A conversation between a typist and a host, with a virtual clock.
struct Conversation {
    var redaction = InputRedaction(columns: 80)
    var time: Int64 = 0
    var events: [RecordingEvent] = []

    mutating func host(_ text: String) {
        time += 1000
        events += redaction.output(Array(text.utf8), at: time)
    }

    mutating func type(_ text: String, by actor: String = "ada") {
        time += 1000
        events += redaction.input(Array(text.utf8), actor: actor, at: time)
    }

    /// Each key is echoed before the next is typed.
    mutating func typeWithEcho(_ text: String) {
        for character in text {
            type(String(character))
            host(String(character))
        }
    }

    mutating func wait(_ seconds: Double) {
        time += Int64(seconds * 1_000_000)
        events += redaction.advance(to: time)
    }

    mutating func end() { events += redaction.finish(at: time) }

    /// Typed input as recorded: text as it is, `<n>` for what was redacted.
    var typed: String {
        events.map { event in
            switch event.kind {
            case .input(let bytes, _): String(decoding: bytes, as: UTF8.self)
            case .redactedInput(let count, _): "<\(count)>"
            default: ""
            }
        }.joined()
    }
}

@Suite struct InputRedactionTests {
    @Test("a line that is echoed key by key is kept at its end")
    func ordinaryEcho() {
        var talk = Conversation()
        talk.host("$ ")
        talk.typeWithEcho("ls -l")
        #expect(talk.typed == "")
        talk.type("\r")
        #expect(talk.typed == "ls -l\r")
    }

    @Test("a line and its end typed before the echo comes back is kept when it comes")
    func lateEcho() {
        var talk = Conversation()
        talk.host("$ ")
        talk.type("uptime\r")
        #expect(talk.typed == "")
        talk.host("up")
        talk.host("time\r\n")
        #expect(talk.typed == "uptime\r")
    }

    @Test("without any prompt an echoed line is kept too")
    func noPrompt() {
        var talk = Conversation()
        talk.type("ls\r")
        talk.host("ls\r\nfile\r\n")
        talk.type("pwd\r")
        talk.host("pwd\r\n/root\r\n")
        #expect(talk.typed == "ls\rpwd\r")
    }

    @Test("input is recorded before the output that echoes it")
    func order() {
        var talk = Conversation()
        talk.type("x\r")
        talk.host("x\r\n")
        #expect(talk.events.map(\.kind) == [.input(Array("x\r".utf8), actor: "ada"), .output(Array("x\r\n".utf8))])
    }

    @Test(
        "what is typed at a silent prompt is only counted",
        arguments: [
            "Password: ", "[sudo] password for ada: ", "", "speak friend ", "Passwort:", "Enter PIN for 'key': ",
        ])
    func silent(prompt: String) {
        var talk = Conversation()
        talk.host("$ ")
        talk.typeWithEcho("x")
        talk.type("\r")
        talk.host("\r\n" + prompt)
        for key in "hunter2" { talk.type(String(key)) }
        talk.type("\r")
        talk.host("\r\n$ ")
        #expect(talk.typed == "x\r<7>\r")
        talk.typeWithEcho("id")
        talk.type("\r")
        #expect(talk.typed == "x\r<7>\rid\r")
    }

    @Test("a pasted password with its line end is redacted")
    func pastedPassword() {
        var talk = Conversation()
        talk.host("Password: ")
        talk.type("hunter2\r")
        talk.host("\r\nLast login\r\n$ ")
        #expect(talk.typed == "<7>\r")
    }

    @Test("stars instead of characters are no echo")
    func stars() {
        var talk = Conversation()
        talk.host("Geheim? ")
        for key in "hunter2" {
            talk.type(String(key))
            talk.host("*")
        }
        talk.type("\r")
        #expect(talk.typed == "<7>\r")
    }

    @Test("a code that is echoed at a prompt for a code is redacted all the same")
    func echoedCode() {
        var talk = Conversation()
        talk.host("Verification code: ")
        talk.typeWithEcho("123456")
        talk.type("\r")
        #expect(talk.typed == "<6>\r")
    }

    @Test("after two seconds without an echo the characters are counted, and the rest of the line too")
    func patience() {
        var talk = Conversation()
        talk.host("> ")
        talk.type("hun")
        #expect(talk.redaction.deadline == talk.time + 2_000_000)
        talk.wait(1.9)
        #expect(talk.typed == "")
        talk.wait(0.1)
        #expect(talk.typed == "<3>")
        talk.typeWithEcho("ter")
        talk.type("\r")
        #expect(talk.typed == "<3><3>\r")
    }

    @Test("output whose text happens to contain the password is no echo")
    func coincidence() {
        for noise in [
            "a root shell", "root@web logged in\r\n", "\r\nroot\r\n", "x\rroot", "r o o t", "rooted\r\n", "ro",
            "roo\r\nt",
        ] {
            var talk = Conversation()
            talk.host("say ")
            for key in "root" { talk.type(String(key)) }
            talk.host(noise)
            talk.type("\r")
            talk.host("\r\n")
            talk.wait(3)
            talk.end()
            #expect(talk.typed.contains("<4>"), "\(noise)")
            #expect(!talk.typed.contains("r" + "oot"))
        }
    }

    @Test("a host that keeps printing the password's characters does not make it an echo")
    func steadyNoise() {
        var talk = Conversation()
        talk.host("$ ")
        for (index, key) in "xxxx".enumerated() {
            talk.type(String(key))
            talk.host(index % 2 == 0 ? "xx" : "x")
        }
        talk.type("\r")
        talk.host("\r\n")
        talk.wait(3)
        #expect(talk.typed == "<4>\r")
        talk = Conversation()
        for key in "aaaa" {
            talk.host("a\r\n")
            talk.type(String(key))
            talk.host("a\r\n")
        }
        talk.type("\r")
        talk.wait(3)
        #expect(!talk.typed.contains("a"))
    }

    @Test("a password typed ahead of its prompt is redacted, even when the terminal still echoed it")
    func typeAhead() {
        var talk = Conversation()
        talk.host("$ ")
        talk.typeWithEcho("su")
        talk.type("\r")
        talk.host("\r\n")
        talk.type("hunter2\r")
        talk.host("hunter2\r\n")
        talk.host("Password: ")
        talk.host("\r\n# ")
        talk.wait(3)
        #expect(talk.typed == "su\r<7>\r")
    }

    @Test("a line typed before the line above was settled is believed only at the same prompt")
    func pastedLines() {
        var talk = Conversation()
        talk.host("ada$ ")
        talk.type("id\ruptime\r")
        talk.host("id\r\n1000\r\nada$ uptime\r\n")
        #expect(talk.typed == "id\ruptime\r")
        talk.host("ada$ ")
        talk.type("sudo -i\rhunter2\r")
        talk.host("sudo -i\r\nsay the word hunter2")
        talk.wait(3)
        #expect(talk.typed == "id\ruptime\rsudo -i\r<7>\r")
    }

    @Test("colours, redraws and suggestions around the echo do not hide it")
    func redraws() {
        var talk = Conversation()
        talk.host("$ ")
        talk.type("l")
        talk.host("\u{1B}[31ml\u{1B}[39m\u{1B}[90ms -la\u{1B}[39m\u{1B}[6D\u{1B}[C")
        talk.type("s")
        talk.host("\u{8}\u{1B}[32mls\u{1B}[39m\u{1B}[K")
        talk.type("\r")
        #expect(talk.typed == "ls\r")
    }

    @Test("erased characters and arrows belong to the line")
    func editing() {
        var talk = Conversation()
        talk.host("$ ")
        talk.type("lx")
        talk.type("\u{7F}")
        talk.type("s")
        talk.host("lx\u{8} \u{8}s")
        talk.type("\u{1B}[D")
        talk.host("\u{8}")
        talk.type("a")
        talk.host("as\u{8}")
        talk.type("\r")
        #expect(talk.typed == "lx\u{7F}s\u{1B}[Da\r")
    }

    @Test("control keys, arrows and function keys alone are stored at once")
    func controls() {
        var talk = Conversation()
        talk.type("\u{1B}[A\u{1B}OP\u{1B}[15~\u{1B}[<0;3;4M\u{1}\t\u{1B}")
        #expect(talk.typed == "\u{1B}[A\u{1B}OP\u{1B}[15~\u{1B}[<0;3;4M\u{1}\t\u{1B}")
        talk.type("\u{3}")
        #expect(talk.typed.hasSuffix("\u{3}"))
    }

    @Test("sequences that carry a typed character are not stored where nothing is echoed")
    func codedKeys() {
        for key in ["\u{1B}[112;5u", "\u{1B}[27;2;80~", "\u{1B}Oq", "\u{1B}p", "\u{1B}]52;c;c2VjcmV0\u{7}", "\u{1B}é"] {
            var talk = Conversation()
            talk.host("> ")
            talk.type(key)
            talk.type("\r")
            talk.wait(3)
            #expect(talk.typed == "<1>\r", "\(key.debugDescription)")
        }
    }

    @Test("a bracketed paste of several lines is one line, kept when echoed")
    func bracketedPaste() {
        var talk = Conversation()
        talk.host("\u{1B}[?2004h$ ")
        talk.type("\u{1B}[200~echo a\recho b\u{1B}[201~")
        talk.host("\u{1B}[7mecho a\r\necho b\u{1B}[27m")
        talk.type("\r")
        #expect(talk.typed == "\u{1B}[200~echo a\recho b\u{1B}[201~\r")
    }

    @Test("wide and accented characters are recognised, also cut in the middle")
    func unicode() {
        var talk = Conversation()
        talk.host("$ ")
        let text = Array("écho 世界🙂".utf8)
        for byte in text { talk.events += talk.redaction.input([byte], actor: "ada", at: talk.time) }
        for byte in text { talk.events += talk.redaction.output([byte], at: talk.time) }
        talk.type("\r")
        #expect(talk.typed == "écho 世界🙂\r")
    }

    @Test("an echo that wraps at the right margin is recognised")
    func wrapping() {
        var talk = Conversation()
        talk.host("$ ")
        let line = String(repeating: "0123456789", count: 20)
        talk.typeWithEcho(line)
        talk.type("\r")
        #expect(talk.typed == line + "\r")
    }

    @Test("each participant's keys keep their name")
    func actors() {
        var talk = Conversation()
        talk.type("a", by: "ada")
        talk.host("a")
        talk.type("b", by: "bob")
        talk.host("b")
        talk.type("\r", by: "bob")
        let inputs = talk.events.map(\.kind).filter { if case .input = $0 { true } else { false } }
        #expect(inputs == [.input([97], actor: "ada"), .input([98, 13], actor: "bob")])
    }

    @Test("at the end of the session what was echoed is kept and the rest is not")
    func finish() {
        var talk = Conversation()
        talk.typeWithEcho("half")
        talk.end()
        #expect(talk.typed == "half")
        talk = Conversation()
        talk.typeWithEcho("ha")
        talk.type("lf")
        talk.end()
        #expect(talk.typed == "<4>")
    }

    @Test("a megabyte pasted at a silent host is counted in bounded memory")
    func flood() {
        var talk = Conversation()
        talk.type(String(repeating: "secret words\r", count: 40_000))
        talk.wait(5)
        talk.end()
        let count = talk.events.reduce(0) { sum, event in
            if case .redactedInput(let count, _) = event.kind { sum + count } else { sum }
        }
        #expect(count == 480_000)
        #expect(!talk.typed.contains("secret"))
    }

    @Test("random keys and random output never trap, and only echoed text is ever kept")
    func random() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            var redaction = InputRedaction(columns: Int.random(in: 1...20, using: &random))
            var time: Int64 = 0
            for _ in 0..<60 {
                time += Int64.random(in: 0...700_000, using: &random)
                let bytes = (0..<Int.random(in: 0...40, using: &random)).map { _ in
                    [UInt8.random(in: 0...255, using: &random), 27, 91, 8, 13, 10, 72].randomElement(using: &random)
                        ?? 0
                }
                if Bool.random(using: &random) {
                    _ = redaction.output(bytes, at: time)
                } else {
                    _ = redaction.input(bytes, actor: "a", at: time)
                }
            }
            _ = redaction.finish(at: time)
            #expect(redaction.deadline == nil)
        }
    }

    @Test(
        "prompts for secrets are recognised in many languages, and shell prompts are not",
        arguments: [
            ("Password:", true), ("ada@web's password: ", true), ("Enter passphrase for key '/k': ", true),
            ("PIN: ", true), ("Mot de passe : ", true), ("密码：", true), ("Пароль: ", true), ("token> ", true),
            ("ada@web:~/passwords$ ", false), ("shipping address: ", false), ("$ ", false), ("", false),
            ("Continue? ", false), ("mysql> ", false),
        ])
    func prompts(line: String, isSecret: Bool) {
        #expect(SecretPrompt.matches(line) == isSecret)
    }

    @Test("a prompt behind a flood that was cut within an escape sequence is known")
    func floodCutWithinASequence() {
        var talk = Conversation()
        let flood = String(repeating: "\u{1B}[32mgreen\u{1B}[0m and more of it\r\n", count: 40)
        talk.host(flood + "half \u{1B}[3")
        talk.host("2m of a line\r\n" + flood + "Password: ")
        talk.type("hunter2")
        talk.host("hunter2")
        talk.type("\r")
        talk.host("\r\n")
        #expect(talk.typed.contains("<7>") && !talk.typed.contains("hunter2"))
        talk.host(flood + "$ ")
        talk.typeWithEcho("ls")
        talk.type("\r")
        talk.host("\r\n")
        #expect(talk.typed.hasSuffix("ls\r"))
    }
}
