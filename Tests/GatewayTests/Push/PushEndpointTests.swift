import NIOCore
import Testing

@testable import Gateway

struct PushEndpointTests {
    @Test(
        "only https to a name is an endpoint",
        arguments: [
            "http://push.example.net/x", "https://127.0.0.1/x", "https://[::1]/x", "https://10.0.0.1:8443/x",
            "https://user:pass@push.example.net/x", "https://push.example.net/x#y", "ftp://push.example.net/",
            "https:///x", "", "https://push.example.net/a b", "https://push.example.net:0/x", "https://2130706433/",
            "https://0x7f.1/", "file:///etc/passwd", "https://push.example.net/\r\nX: y",
        ])
    func refused(text: String) {
        // 2130706433 and 0x7f.1 are spellings of 127.0.0.1 that resolvers take: the address is looked at, too.
        let isSpelling = ["https://2130706433/", "https://0x7f.1/"].contains(text)
        #expect((try? PushEndpoint(text)) == nil || isSpelling)
    }

    @Test("an endpoint keeps its path and query, and its origin is what the token is for")
    func parts() throws {
        let endpoint = try PushEndpoint("https://Updates.Push.example.net:8443/wpush/v2/gAAA%2F?x=1")
        #expect(endpoint.host == "updates.push.example.net" && endpoint.port == 8443)
        #expect(endpoint.target == "/wpush/v2/gAAA%2F?x=1")
        #expect(endpoint.audience == "https://updates.push.example.net:8443")
        #expect(try PushEndpoint("https://push.example.net").target == "/")
    }

    @Test(
        "an address that is not public is not spoken to, in any spelling",
        arguments: [
            "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "::1",
            "fd00::1", "fe80::1", "::ffff:127.0.0.1", "64:ff9b::a00:1", "224.0.0.1", "198.18.0.1",
        ])
    func privateAddresses(text: String) throws {
        let address = try SocketAddress(ipAddress: text, port: 443)
        #expect(!PushAddresses(allowed: []).mayConnect(to: address))
    }

    @Test("a public address is spoken to, and a private one that an admin names")
    func allowed() throws {
        let none = PushAddresses(allowed: [])
        #expect(none.mayConnect(to: try SocketAddress(ipAddress: "142.250.1.1", port: 443)))
        #expect(none.mayConnect(to: try SocketAddress(ipAddress: "2a00:1450::1", port: 443)))
        let own = PushAddresses(allowed: [AddressRange("10.1.2.3")].compactMap(\.self))
        #expect(own.mayConnect(to: try SocketAddress(ipAddress: "10.1.2.3", port: 443)))
        #expect(!own.mayConnect(to: try SocketAddress(ipAddress: "10.1.2.4", port: 443)))
    }
}
