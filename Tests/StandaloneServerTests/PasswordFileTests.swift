import Testing

@testable import StandaloneServer

struct PasswordFileTests {
    /// openssl passwd -6 -salt saltsalt 'open sesame'
    private static let sha512 =
        "$6$saltsalt$e/5XKibXPLqVcfjpD.ouauaJrAOL5V0uo80Lt7n7EbRdRiCx3HbQ90yjOHr.G0T.mx79PEMRy8nmtr0qSYhQp1"
    /// printf %s 'open sesame' | argon2 somesalt -id -t 2 -m 12 -p 1 -e
    private static let argon =
        "$argon2id$v=19$m=4096,t=2,p=1$c29tZXNhbHQ$UYvg4+z90qxa9onWxB0G1LGuKue8c5JEN26Zax77zxg"

    @Test("The right password of the right name is taken, and no other", arguments: [sha512, argon])
    func verify(hash: String) async throws {
        let file = try PasswordFile(text: "# people\nada:\(hash)\n\n", path: "f")
        #expect(await file.verify(Array("open sesame".utf8), of: "ada"))
        for (word, name) in [("open sesam", "ada"), ("", "ada"), ("open sesame", "bob"), ("open sesame\0", "ada")] {
            #expect(await !file.verify(Array(word.utf8), of: name))
        }
    }

    @Test("An empty file lets nobody in")
    func empty() async throws {
        let file = try PasswordFile(text: "# nobody\n", path: "f")
        #expect(file.isEmpty)
        #expect(await !file.verify([], of: ""))
    }

    @Test(
        "Weak, broken and missing hashes are refused at the start",
        arguments: ["ada", "ada:", "ada:plain", "ada:$1$x$y", ":$6$x$y", "ada:!", "ada:*", "ada:abXYZ0123456."])
    func malformed(line: String) {
        #expect(throws: StandaloneServerError.self) { try PasswordFile(text: line, path: "f") }
    }
}
