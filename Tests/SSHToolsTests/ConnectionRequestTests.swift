import SSH
import Testing

@testable import SSHTools

@Suite("A destination of a command line")
struct ConnectionRequestTests {
    @Test("the last @ divides user and host, so that a user's name may have one")
    func lastAt() throws {
        let target = try ConnectionRequest(destination: "ada@example.org@web-1").target()
        #expect(target.user == "ada@example.org")
        #expect(target.host == "web-1")
    }

    @Test("an ssh:// address has user, host and port")
    func address() throws {
        let target = try ConnectionRequest(destination: "ssh://ada@[fe80::1]:2222").target()
        #expect(target.user == "ada")
        #expect(target.host == "fe80::1")
        #expect(target.port == 2222)
    }

    @Test(
        "a destination that a program could take for an option or a shell for a command is refused",
        arguments: ["-oProxyCommand=x", "ada@-x", "@web", "", "$(id);@web", "a`id`@web", "we b", "-x@web"])
    func refused(_ destination: String) {
        #expect(throws: Failure.self) { try ConnectionRequest(destination: destination).target() }
    }
}
