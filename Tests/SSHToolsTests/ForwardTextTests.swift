import SSH
import Testing

@testable import SSHTools

@Suite("Forwards as -L, -R and -D write them")
struct ForwardTextTests {
    @Test("-L with and without an address to listen on")
    func local() {
        #expect(
            ForwardText.parse("8080:db:80", .local)
                == ConfigurationForward(listener: .port(host: nil, 8080), target: .port(host: "db", 80)))
        #expect(
            ForwardText.parse("*:8080:db:80", .local)
                == ConfigurationForward(listener: .port(host: "*", 8080), target: .port(host: "db", 80)))
        #expect(
            ForwardText.parse("[::1]:8080:[2001:db8::1]:80", .local)
                == ConfigurationForward(listener: .port(host: "::1", 8080), target: .port(host: "2001:db8::1", 80)))
    }

    @Test("unix sockets stand at either end")
    func sockets() {
        #expect(
            ForwardText.parse("/tmp/a:/tmp/b", .local)
                == ConfigurationForward(listener: .socket("/tmp/a"), target: .socket("/tmp/b")))
        #expect(
            ForwardText.parse("8080:/tmp/b", .local)
                == ConfigurationForward(listener: .port(host: nil, 8080), target: .socket("/tmp/b")))
        #expect(
            ForwardText.parse("/tmp/a:db:80", .remote)
                == ConfigurationForward(listener: .socket("/tmp/a"), target: .port(host: "db", 80)))
    }

    @Test("-R without a target is a SOCKS proxy to here, and may leave the port to the host")
    func remote() {
        #expect(
            ForwardText.parse("1080", .remote)
                == ConfigurationForward(listener: .port(host: nil, 1080), target: .socks))
        #expect(
            ForwardText.parse("0:db:80", .remote)
                == ConfigurationForward(listener: .port(host: nil, 0), target: .port(host: "db", 80)))
    }

    @Test(
        "what is no forward is none",
        arguments: ["", "8080", "8080:db", "8080:db:", "0:db:80", "8080::80", "a:b:c:d:e", "8080:db:99999", "[::1:80"])
    func invalid(_ text: String) {
        #expect(ForwardText.parse(text, .local) == nil)
    }

    @Test("a line after ~C adds and ends forwards")
    func commandLine() {
        #expect(
            EscapeCommandLine("-L 8080:db:80")
                == .add(ConfigurationForward(listener: .port(host: nil, 8080), target: .port(host: "db", 80)), .local))
        #expect(EscapeCommandLine("-KD1080") == .cancel(.port(host: nil, 1080), .dynamic))
        #expect(EscapeCommandLine("-KL 127.0.0.1:8080") == .cancel(.port(host: "127.0.0.1", 8080), .local))
        #expect(EscapeCommandLine("  ") == .nothing)
        #expect(EscapeCommandLine("help") == .help)
        #expect(EscapeCommandLine("-X foo") == .invalid)
    }
}
