import NIOCore
import Testing

@testable import SSHProtocol

/// Time, moved by hand.
@Suite struct TimerTests {
    @Test("a silent peer is asked twice and given up after 30 seconds")
    func deadPeer() throws {
        let pair = try BackToBack.connected()
        let before = pair.server.numbers.count
        try pair.wait(.seconds(9))
        #expect(pair.server.numbers.count == before)
        try pair.wait(.seconds(2))
        #expect(pair.server.numbers.suffix(from: before) == [80])
        try pair.wait(.seconds(10))
        #expect(pair.server.numbers.suffix(from: before) == [80, 80])
        #expect(pair.error == nil)
        try pair.wait(.seconds(9))
        #expect(pair.error?.code == .keepaliveTimeout)
        #expect(pair.error?.description.contains("30 seconds") == true)
    }

    @Test("a process that was held up for long still gives the peer its time to answer")
    func heldUp() throws {
        let pair = try BackToBack.connected()
        pair.now = pair.now + .minutes(30)
        for _ in 0..<5 { pair.client.tick(now: pair.now) }
        pair.takeEvents()
        #expect(pair.error == nil)
        try pair.wait(.seconds(19))
        #expect(pair.error == nil)
        try pair.wait(.seconds(2))
        #expect(pair.error?.code == .keepaliveTimeout)
    }

    @Test("anything that is heard starts the count again")
    func aliveAgain() throws {
        let pair = try BackToBack.connected()
        for _ in 0..<10 {
            try pair.wait(.seconds(25))
            try pair.serve(ByteBuffer(message: .requestFailure))
            #expect(pair.error == nil)
        }
    }

    @Test("no keepalive is sent before authentication, nor when it is turned off")
    func noKeepalive() throws {
        let server = ScriptedServer()
        server.authenticate = { _ in [] }
        let pair = BackToBack(server) { $0.handshakeTimeout = .seconds(100) }
        try pair.begin()
        try pair.wait(.seconds(60))
        #expect(!server.numbers.contains(80))
        let off = try BackToBack.connected { $0.keepaliveInterval = .zero }
        try off.wait(.hours(0) + .seconds(3000))
        #expect(!off.server.numbers.contains(80))
        #expect(off.error == nil)
    }

    @Test("a handshake that does not end in time is given up")
    func handshake() throws {
        let server = ScriptedServer()
        server.answers[5] = { _, _ in }
        let pair = BackToBack(server)
        try pair.begin()
        try pair.wait(.seconds(29))
        #expect(pair.error == nil)
        try pair.wait(.seconds(2))
        #expect(pair.error?.code == .handshakeTimeout)
    }

    @Test("the time that a question takes does not count")
    func questionTime() throws {
        let server = ScriptedServer()
        server.answers[5] = { _, _ in }
        let pair = BackToBack(server)
        pair.acceptsHostKey = false
        try pair.begin()
        #expect(pair.client.nextDeadline == nil)
        pair.now = pair.now + .hours(1)
        pair.client.tick(now: pair.now)
        pair.client.acceptHostKey(now: pair.now)
        try pair.pump()
        try pair.wait(.seconds(29))
        #expect(pair.error == nil)
        try pair.wait(.seconds(2))
        #expect(pair.error?.code == .handshakeTimeout)
    }

    @Test("new keys are made after an hour, and a server that does not join in is given up")
    func hourly() throws {
        let pair = try BackToBack.connected { $0.keepaliveInterval = .zero }
        try pair.wait(.minutes(59))
        #expect(pair.server.exchanges == 1)
        try pair.wait(.minutes(2))
        #expect(pair.server.exchanges == 2)
        try pair.wait(.minutes(61))
        #expect(pair.server.exchanges == 3)
        pair.server.answers[20] = { _, _ in }
        try pair.wait(.minutes(62))
        #expect(pair.error?.code == .handshakeTimeout)
    }

    @Test("a ping is answered in the order of the requests")
    func ping() throws {
        let pair = try BackToBack.connected()
        let first = try pair.ping()
        try pair.wait(.seconds(11))
        let second = try pair.ping()
        try pair.pump()
        try pair.serve(
            ByteBuffer(message: .requestSuccess), ByteBuffer(message: .requestFailure),
            ByteBuffer(message: .requestFailure))
        let answered = pair.events.compactMap { event -> RequestToken? in
            guard case .globalReply(let token, _) = event else { return nil }
            return token
        }
        #expect(answered == [first, second])
    }

    @Test("as many pings as wait for an answer are limited")
    func pingLimit() throws {
        let pair = try BackToBack.connected()
        for _ in 0..<GlobalRequests.limit { _ = try pair.ping() }
        #expect(throws: ProtocolError.self) { try pair.ping() }
    }
}
