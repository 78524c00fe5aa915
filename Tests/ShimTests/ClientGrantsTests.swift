import NIOCore
import Testing

@testable import Shim

@Suite("Whose agent and whose display the host means")
struct ClientGrantsTests {
    private final class Session {}

    @Test("the agent is that of the session that asked last, and of the one before when it ends")
    func agents() {
        let (first, second) = (Session(), Session())
        var grants = ClientGrants<String>()
        grants.addAgent(ObjectIdentifier(first), "one")
        grants.addAgent(ObjectIdentifier(second), "two")
        #expect(grants.agent == "two")
        grants.remove(ObjectIdentifier(second))
        #expect(grants.agent == "one")
        grants.remove(ObjectIdentifier(first))
        #expect(grants.agent == nil)
    }

    @Test("cookies are compared without regard to the case of their digits")
    func cookies() {
        let session = Session()
        var grants = ClientGrants<String>()
        grants.addDisplay(ObjectIdentifier(session), "one", cookie: "00FFaa")
        #expect(grants.displays.map(\.cookie) == ["00ffaa"])
    }

    @Test(
        "the cookie of an X11 connection is found in either byte order, and in pieces",
        arguments: [Endianness.big, .little])
    func setup(_ order: Endianness) {
        var message = ByteBuffer(integer: UInt8(ascii: order == .big ? "B" : "l"))
        message.writeBytes([0])
        for value in [11, 0, 18, 4, 0] as [UInt16] { message.writeInteger(value, endianness: order) }
        message.writeString("MIT-MAGIC-COOKIE-1\0\0")
        message.writeBytes([0xDE, 0xAD, 0xBE, 0xEF])
        for count in 0..<message.readableBytes {
            let piece = message.getSlice(at: 0, length: count) ?? ByteBuffer()
            #expect(X11Setup.cookie(in: piece) == .needsMore)
        }
        #expect(X11Setup.cookie(in: message) == .cookie("deadbeef"))
    }

    @Test("what is not X11 has no cookie")
    func noise() {
        #expect(X11Setup.cookie(in: ByteBuffer(string: "GET / HTTP/1.1\r\n")) == .none)
        #expect(X11Setup.cookie(in: ByteBuffer(bytes: [0x42] + [UInt8](repeating: 0xFF, count: 11))) == .none)
    }
}
