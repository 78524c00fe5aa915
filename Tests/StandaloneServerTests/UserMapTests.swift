import Testing

@testable import StandaloneServer

struct UserMapTests {
    private func map(_ entries: [String], default defaultUser: String? = nil, own: String? = nil) throws -> UserMap {
        UserMap(try entries.map { try UserMap.Entry($0) }, defaultUser: defaultUser, own: own)
    }

    @Test("A name that no map and no default names is refused")
    func unknown() throws {
        #expect(try map(["alice:deploy"]).local(for: "bob") == nil)
        #expect(try map([]).local(for: "bob") == nil)
        #expect(try map([]).local(for: "root") == nil)
    }

    @Test("The map leads to the local account, and the default takes the others")
    func mapped() throws {
        let map = try map(["alice:deploy", "bob:web"], default: "guest")
        #expect(map.local(for: "alice") == "deploy")
        #expect(map.local(for: "bob") == "web")
        #expect(map.local(for: "carol") == "guest")
        #expect(map.local(for: "Alice") == "guest")
    }

    @Test("An ordinary account without a map is served under its own name alone")
    func own() throws {
        #expect(try map([], own: "ada").local(for: "ada") == "ada")
        #expect(try map([], own: "ada").local(for: "bob") == nil)
        #expect(try map(["x:ada"], own: "ada").local(for: "ada") == nil)
    }

    @Test("Everybody under their own name does not mean root")
    func everybody() throws {
        let map = try map(["*:*"])
        #expect(map.local(for: "bob") == "bob")
        #expect(map.local(for: "root") == nil)
        #expect(try self.map(["root:root"]).local(for: "root") == "root")
        #expect(try self.map(["*:guest"]).local(for: "root") == "guest")
    }

    @Test("The first entry that names a user counts")
    func order() throws {
        #expect(try map(["alice:one", "alice:two"]).local(for: "alice") == "one")
        #expect(try map(["*:one", "alice:two"]).local(for: "alice") == "one")
    }

    @Test(
        "A name that could mean something to a file, a shell or a log is nobody's",
        arguments: ["", "no-pty mallory", "a\nb", "a\tb", "\"a\"", "a'b", "$(id)", "a`b", "a\\b", "a,b", "a\u{7f}"])
    func strange(name: String) throws {
        #expect(try map(["*:guest"], default: "guest").local(for: name) == nil)
    }

    @Test("An account is named outright by an entry that leads to it, or by the default, and not by everybody")
    func outright() throws {
        #expect(try !map(["*:*"]).names("toor", for: "toor"))
        #expect(try map(["*:*", "admin:toor"]).names("toor", for: "admin"))
        #expect(try !map(["*:*", "admin:toor"]).names("toor", for: "toor"))
        #expect(try map(["*:*"], default: "toor").names("toor", for: "x"))
    }

    @Test("What is not SSH:LOCAL is an error", arguments: ["", "alice", ":deploy", "alice:", "a:b:c", "alice:*"])
    func malformed(text: String) {
        #expect(throws: StandaloneServerError.self) { try UserMap.Entry(text) }
    }

    @Test("Names that look alike are not the same: composed and decomposed letters are two users")
    func lookalikes() throws {
        #expect(try map(["re\u{301}mi:web"]).local(for: "r\u{e9}mi") == nil)
    }
}
