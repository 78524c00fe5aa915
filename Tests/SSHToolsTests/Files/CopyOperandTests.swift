import Testing

@testable import SSHTools

/// What a word of scp's command line names.
struct CopyOperandTests {
    private func remote(_ destination: String, _ path: String, port: Int? = nil) -> CopyOperand {
        .remote(CopyHost(destination: destination, port: port), path: path)
    }

    @Test("a colon before the first slash makes a word a host's")
    func colons() throws {
        #expect(try CopyOperand("web-1:log") == remote("web-1", "log"))
        #expect(try CopyOperand("ada@web-1:") == remote("ada@web-1", ""))
        #expect(try CopyOperand("./a:b") == .local("./a:b"))
        #expect(try CopyOperand("/srv/a:b") == .local("/srv/a:b"))
        #expect(try CopyOperand(":b") == .local(":b"))
        #expect(try CopyOperand("plain") == .local("plain"))
        #expect(try CopyOperand("web-1:a:b") == remote("web-1", "a:b"))
    }

    @Test("IPv6 addresses stand in brackets")
    func addresses() throws {
        #expect(try CopyOperand("[::1]:/x") == remote("[::1]", "/x"))
        #expect(try CopyOperand("ada@[fe80::1%eth0]:x") == remote("ada@[fe80::1%eth0]", "x"))
        #expect(try CopyOperand("[1].txt") == .local("[1].txt"))
    }

    @Test("a URL has a user, a port and a path with percent signs")
    func urls() throws {
        #expect(try CopyOperand("scp://ada@web-1:2222/a%20b") == remote("ada@web-1", "a b", port: 2222))
        #expect(try CopyOperand("scp://web-1//etc/motd") == remote("web-1", "/etc/motd"))
        #expect(try CopyOperand("scp://[::1]:22/x") == remote("[::1]", "x", port: 22))
        #expect(try CopyOperand("scp://web-1") == remote("web-1", ""))
        for text in ["scp://", "scp://h:99999/x", "scp://h/%zz", "scp://h/%00", "scp://ada@/x"] {
            #expect(throws: Failure.self) { try CopyOperand(text) }
        }
    }
}
