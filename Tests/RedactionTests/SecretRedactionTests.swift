import Testing

@testable import Redaction

/// Tokens are put together here, so that no scanner takes this file for a leak.
private let github = "ghp" + "_" + String(repeating: "aB3", count: 12)
private let aws = "AKIA" + "IOSFODNN7EXAMPLE"
private let jwt = "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0In0." + "dozjgNryP4J3jVmNHl0w5N_XgL0n3I9"
private let slack = "xoxb" + "-123456789012-abcdefABCDEF"
private let key = """
    -----BEGIN OPENSSH PRIVATE KEY-----
    b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW
    QyNTUxOQAAACB0
    -----END OPENSSH PRIVATE KEY-----
    """

struct SecretRedactionTests {
    @Test(
        "secrets of known shape are taken out and the rest stays",
        arguments: [
            ("token \(github).", "token [redacted:github-token#1]."),
            ("id=\(aws) ok", "id=[redacted:aws-key#1] ok"),
            ("Authorization: Bearer \(jwt)", "Authorization: Bearer [redacted:bearer-token#1]"),
            ("jwt \(jwt) end", "jwt [redacted:jwt#1] end"),
            ("a \(slack) b", "a [redacted:slack-token#1] b"),
            ("\(key)\nafter", "[redacted:private-key#1]\nafter"),
            ("postgres://app:s3cr3t@db/x", "postgres://app:[redacted:url-password#1]@db/x"),
            (
                "https://u:p@h https://example.org:443/a",
                "https://u:[redacted:url-password#1]@h https://example.org:443/a"
            ),
            ("DB_PASSWORD=hunter2\nHOME=/root", "DB_PASSWORD=[redacted:password#1]\nHOME=/root"),
            ("DB_PASSWORD=it's \"two\" words\nA=1", "DB_PASSWORD=[redacted:password#1]\nA=1"),
            ("export API_TOKEN='abc def' X", "export API_TOKEN='[redacted:password#1]' X"),
            (#"{"apiKey": "k-12345", "n": 1}"#, #"{"apiKey": "[redacted:password#1]", "n": 1}"#),
            (#"{"password":"a\"b","n":1}"#, #"{"password":"[redacted:password#1]","n":1}"#),
            ("mysql --password hunter2 -e x", "mysql --password [redacted:password#1] -e x"),
            ("mysql --password=hunter2 -e x", "mysql --password=[redacted:password#1] -e x"),
            ("spring.datasource.password: geheim1", "spring.datasource.password: [redacted:password#1]"),
            ("\u{1B}[32m\(github)\u{1B}[0m", "\u{1B}[32m[redacted:github-token#1]\u{1B}[0m"),
            ("said:\u{1B}[2J\(github)", "said:\u{1B}[2J[redacted:github-token#1]"),
            (#""a\n\#(github)""#, #""a\n[redacted:github-token#1]""#),
            ("?t%3D\(github)&", "?t%3D[redacted:github-token#1]&"),
            (
                "\u{1B}[1;31mghp\u{1B}[m_" + String(repeating: "aB3", count: 6) + "\u{1B}[K"
                    + String(repeating: "aB3", count: 6) + " x",
                "\u{1B}[1;31m[redacted:github-token#1] x"
            ),
            ("xghp" + "_" + String(repeating: "aB3", count: 12), "xghp" + "_" + String(repeating: "aB3", count: 12)),
            ("same \(github) \(github)", "same [redacted:github-token#1] [redacted:github-token#1]"),
        ])
    func shapes(text: String, expected: String) {
        #expect(SecretRedaction().redact(text).text == expected)
    }

    @Test(
        "ordinary text stays as it is",
        arguments: [
            "PWD=/srv/app", "SSH_AUTH_SOCK=/tmp/agent.1", "password for user: ", "Password: ", "PASSWORD_FILE=/run/x",
            "sk-short", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
            "token: $TOKEN", "password: ********", "http://example.org/a:b@c", "the bearer of certificates",
            "monkey=banana", "eyJ.a.b", "a == b",
            "TOKEN=", "secret=<none>", "key: value", "Basic Configuration", "12:30:45 ok", "::1", "KEYBOARD=us",
        ])
    func ordinary(text: String) {
        #expect(SecretRedaction().redact(text).text == text)
    }

    @Test("a known value is found in plain, base64, hexadecimal, URL and JSON form")
    func known() {
        let value = "p@ss/w\"ord+1"
        let redaction = SecretRedaction(known: KnownSecrets([Array(value.utf8)]))
        let forms = [
            "x\(value)y", "cEBzcy93Im9yZCsx", "eHBAc3MvdyJvcmQrMQ", "7040", "p%40ss%2Fw%22ord%2B1", "p@ss/w\\\"ord+1",
            "704073732f77226f72642b31", "704073732F77226F72642B31",
        ]
        let found = forms.map { redaction.redact($0).total }
        #expect(found == [1, 1, 1, 0, 1, 1, 1, 1])
        #expect(redaction.redact("x\(value)y").text == "x[redacted:known-secret#1]y")
    }

    @Test("a short known value is found as a word and not within words")
    func short() {
        let redaction = SecretRedaction(known: KnownSecrets([Array("abc".utf8)]))
        #expect(
            redaction.redact("abc abcd xabc (abc)").text
                == "[redacted:known-secret#1] abcd xabc ([redacted:known-secret#1])")
    }

    @Test("each long line of a known key is found alone")
    func lines() {
        let redaction = SecretRedaction(known: KnownSecrets([Array(key.utf8)]))
        let line = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW"
        #expect(redaction.redact("cut \(line) here").text == "cut [redacted:known-secret#1] here")
    }

    @Test("values that overlap are one")
    func overlap() {
        let redaction = SecretRedaction(known: KnownSecrets([Array("abcdefgh".utf8), Array("efghijkl".utf8)]))
        #expect(redaction.redact("-abcdefghijkl-").text == "-[redacted:known-secret#1]-")
    }

    @Test("a part of a text shows no part of a secret that its border cuts")
    func shown() {
        let text = Array("see \(github) there".utf8)
        let redaction = SecretRedaction()
        #expect(redaction.redact(text, shown: 0..<10).text == "see [redacted:github-token#1]")
        #expect(redaction.redact(text, shown: 10..<text.count).text == "[redacted:github-token#1] there")
        #expect(redaction.redact(text, shown: 0..<4).text == "see ")
        #expect(redaction.redact(text, shown: 0..<4).total == 0)
        #expect(redaction.redact(text, shown: 100..<200).bytes.isEmpty)
    }

    @Test("different values have different numbers, the same one the same across streams")
    func numbers() {
        let numbers = SecretNumbers()
        let one = SecretRedaction(numbers: numbers).redact("A_TOKEN=one1").text
        let two = SecretRedaction(numbers: numbers).redact("A_TOKEN=two2").text
        let again = SecretRedaction(numbers: numbers).redact("A_TOKEN=one1").text
        #expect(one == "A_TOKEN=[redacted:password#1]")
        #expect(two == "A_TOKEN=[redacted:password#2]")
        #expect(again == one)
    }
}

struct RedactionStreamTests {
    private static let text = """
        start \(github) then DB_PASSWORD=hunter2 words
        Authorization: Bearer \(jwt)
        \(key)
        postgres://app:s3cr3t@db/x known-value-here PASSWORD='a b' end
        """

    @Test("a stream cut anywhere shows what the whole text shows", arguments: [1, 2, 3, 5, 7, 16, 64, 500])
    func pieces(size: Int) {
        let known = KnownSecrets([Array("known-value-here".utf8)])
        let bytes = Array(Self.text.utf8)
        let whole = SecretRedaction(known: known).redact(bytes)
        var stream = SecretRedaction(known: known).stream()
        var shown: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: size) {
            shown += stream.feed(bytes[start..<min(bytes.count, start + size)])
        }
        shown += stream.finish()
        #expect(String(decoding: shown, as: UTF8.self) == whole.text)
        #expect(stream.counts == whole.counts)
    }

    @Test("where places mean something, everything stays in its place")
    func places() {
        let screen = "left \(github) right\npassword=s3cr3t"
        let shown = SecretRedaction().redactKeepingLength(Array(screen.utf8))
        #expect(shown.bytes.count == screen.utf8.count && shown.total == 2)
        #expect(shown.text.hasPrefix("left [redacted:github-token#1]*") && shown.text.contains("* right\npassword="))
        #expect(!shown.text.contains("aB3") && !shown.text.contains("s3cr3t"))
    }

    @Test("a prompt is not held back")
    func prompt() {
        var stream = SecretRedaction().stream()
        #expect(String(decoding: stream.feed("ada@host:~$ ".utf8), as: UTF8.self) == "ada@host:~$ ")
        #expect(String(decoding: stream.feed("Password: ".utf8), as: UTF8.self) == "Password: ")
    }

    @Test("a run without an end is not held for ever, and all of it is hidden")
    func endless() {
        var stream = SecretRedaction().stream()
        var shown: [UInt8] = Array(stream.feed("X_TOKEN=".utf8))
        for _ in 0..<1000 { shown += stream.feed([UInt8](repeating: UInt8(ascii: "q"), count: 100)) }
        shown += stream.feed("\ndone".utf8)
        shown += stream.finish()
        #expect(shown.count < 200)
        #expect(!String(decoding: shown, as: UTF8.self).contains("qq"))
        #expect(String(decoding: shown, as: UTF8.self).hasSuffix("\ndone"))
    }

    @Test("a megabyte takes no longer than its length, in pieces of one byte too")
    func linear() {
        let known = KnownSecrets([Array("known-value-here".utf8)])
        var stream = SecretRedaction(known: known).stream()
        let bytes = Array(String(repeating: "://a:b=eyJ--password \"-----BEGIN ghp_=", count: 1500).utf8)
        let start = ContinuousClock.now
        for byte in bytes { _ = stream.feed(CollectionOfOne(byte)) }
        _ = stream.finish()
        #expect(ContinuousClock.now - start < .seconds(20))
    }
}
