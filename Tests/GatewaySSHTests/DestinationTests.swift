import NIOCore
import Testing

@testable import GatewaySSH

@Suite("Where tunnels lead")
struct DestinationTests {
    @Test(
        "an address is recognised in every way of writing that a resolver knows",
        arguments: [
            ("169.254.169.254", "169.254.169.254"), ("0xa9fea9fe", "169.254.169.254"),
            ("2852039166", "169.254.169.254"),
            ("169.254.43518", "169.254.169.254"), ("0251.0376.0251.0376", "169.254.169.254"), ("127.1", "127.0.0.1"),
            ("fe80::1%eth0", "fe80::1"), ("fd00:ec2::254", "fd00:ec2::254"),
        ])
    func addresses(text: String, expected: String) {
        #expect(Destination(host: text, port: 80).address?.ipAddress == expected)
    }

    @Test("a name is none", arguments: ["localhost", "metadata.google.internal", "", "db", "beef.example"])
    func names(text: String) {
        #expect(Destination(host: text, port: 80).address == nil)
    }
}
