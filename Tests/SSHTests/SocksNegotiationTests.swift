import NIOCore
import Testing

@testable import SSH

/// SOCKS 4, 4a and 5 (RFC 1928), byte by byte.
@Suite struct SocksNegotiationTests {
    /// The last step when the bytes come one at a time, and every reply on the way.
    private func negotiate(_ bytes: [UInt8]) -> (last: SocksNegotiation.Step, replies: [UInt8], left: [UInt8]) {
        var negotiation = SocksNegotiation()
        var input = ByteBuffer()
        var replies: [UInt8] = []
        var last = SocksNegotiation.Step.needsMore
        for byte in bytes {
            input.writeInteger(byte)
            guard case .needsMore = last else { continue }
            last = negotiation.advance(&input)
            if case .reply(let reply) = last {
                replies += reply
                last = .needsMore
            }
        }
        return (last, replies, Array(input.readableBytesView))
    }

    @Test("SOCKS 4 names an address, and what follows the request stays")
    func four() {
        let result = negotiate([4, 1, 0, 80, 192, 0, 2, 1] + Array("me".utf8) + [0] + Array("GET".utf8))
        #expect(result.last == .connect(host: "192.0.2.1", port: 80))
        #expect(result.left == Array("GET".utf8))
    }

    @Test("SOCKS 4a names a host")
    func fourA() {
        let result = negotiate([4, 1, 1, 187, 0, 0, 0, 7, 0] + Array("example.org".utf8) + [0])
        #expect(result.last == .connect(host: "example.org", port: 443))
    }

    @Test("SOCKS 5 names IPv4, IPv6 and hosts")
    func five() {
        let greeting: [UInt8] = [5, 2, 1, 0]
        let four = negotiate(greeting + [5, 1, 0, 1, 10, 0, 0, 1, 0, 22])
        #expect(four.last == .connect(host: "10.0.0.1", port: 22) && four.replies == [5, 0])
        let name = negotiate(greeting + [5, 1, 0, 3, 2] + Array("db".utf8) + [0x15, 0x38])
        #expect(name.last == .connect(host: "db", port: 5432))
        let six = negotiate(
            greeting + [5, 1, 0, 4] + [0x20, 1, 0xD, 0xB8] + [UInt8](repeating: 0, count: 11) + [1, 0, 80])
        #expect(six.last == .connect(host: "2001:db8:0:0:0:0:0:1", port: 80))
    }

    @Test("what is not SOCKS, not CONNECT or without our method fails with the answer of its version")
    func failures() {
        #expect(negotiate(Array("GET / HTTP/1.1".utf8)).last == .fail([]))
        #expect(negotiate([4, 2, 0, 80, 1, 2, 3, 4, 0]).last == .fail([0, 0x5B, 0, 0, 0, 0, 0, 0]))
        #expect(negotiate([5, 1, 2]).last == .fail([5, 0xFF]))
        #expect(negotiate([5, 1, 0, 5, 2, 0, 1]).last == .fail([5, 7, 0, 1, 0, 0, 0, 0, 0, 0]))
        #expect(negotiate([5, 1, 0, 5, 1, 0, 9]).last == .fail([5, 8, 0, 1, 0, 0, 0, 0, 0, 0]))
        #expect(negotiate([5, 1, 0, 5, 1, 0, 3, 0, 0, 80]).last == .fail([5, 1, 0, 1, 0, 0, 0, 0, 0, 0]))
        #expect(negotiate([4, 1, 0, 80, 1, 2, 3, 4] + [UInt8](repeating: 65, count: 2000)).last == .fail([]))
    }
}
