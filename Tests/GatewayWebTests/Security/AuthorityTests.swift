import Testing

@testable import GatewayWeb

struct AuthorityTests {
    @Test(
        "a host and its port are told apart",
        arguments: [
            ("Example.ORG", "example.org", nil), ("example.org:8443", "example.org", 8443), ("[::1]:80", "::1", 80),
            ("[2001:DB8::1]", "2001:db8::1", nil), ("::1", "::1", nil), ("10.0.0.1:22", "10.0.0.1", 22),
        ] as [(String, String, Int?)])
    func parts(text: String, host: String, port: Int?) {
        let authority = Authority(text)
        #expect(authority?.host == host && authority?.port == port)
    }

    @Test(
        "what is no authority is none",
        arguments: [
            "", ":80", "a:", "a:0", "a:65536", "a:8a", "a:+1", "u@a", "a/b", "a b", "[::1", "::1]", "[]:1", "[a]:1",
            "a\u{0}", "ä",
        ])
    func refused(text: String) {
        #expect(Authority(text) == nil)
    }

    @Test("an address has its bytes, a name has none")
    func addresses() {
        #expect(Authority("127.0.0.1:1")?.addressBytes == [127, 0, 0, 1])
        #expect(Authority("[::1]")?.addressBytes == Array(repeating: 0, count: 15) + [1])
        #expect(Authority("localhost")?.addressBytes == nil)
    }
}
