import NIOCore
import SSH
import Testing

@testable import Shim

/// The multiplexing protocol byte by byte, as OpenSSH's client writes it.
@Suite("Requests at a control socket") struct ControlRequestTests {
    private func requests(_ bytes: [UInt8], _ descriptors: [Int32] = []) throws -> [ControlRequest] {
        var input = ControlInput()
        input.bytes.writeBytes(bytes)
        input.descriptors = descriptors
        var found: [ControlRequest] = []
        while let (request, _) = try input.next() { found.append(request) }
        return found
    }

    @Test("hello, alive, terminate and stop are a number and a version or an identifier")
    func short() throws {
        let bytes: [UInt8] =
            [0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0, 4] + [0, 0, 0, 8, 0x10, 0, 0, 4, 0, 0, 0, 0]
            + [0, 0, 0, 8, 0x10, 0, 0, 5, 0, 0, 0, 7] + [0, 0, 0, 8, 0x10, 0, 0, 9, 0, 0, 0, 8]
        #expect(try requests(bytes) == [.hello(version: 4), .alive(id: 0), .terminate(id: 7), .stopListening(id: 8)])
    }

    @Test("extensions of a hello are passed over")
    func extensions() throws {
        let bytes: [UInt8] = [0, 0, 0, 18, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 1, 0x61, 0, 0, 0, 1, 0x62]
        #expect(try requests(bytes) == [.hello(version: 4)])
    }

    @Test("a session brings its flags, its command, its environment and three descriptors")
    func session() throws {
        var bytes: [UInt8] = [0, 0, 0, 58, 0x10, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0]
        bytes += [0, 0, 0, 1] + [0, 0, 0, 0] + [0, 0, 0, 1] + [0, 0, 0, 0] + [0, 0, 0, 0x7E]
        bytes +=
            [0, 0, 0, 5] + Array("xterm".utf8) + [0, 0, 0, 3, 0x6C, 0x73, 0xE5] + [0, 0, 0, 6] + Array("LANG=C".utf8)
        let wanted = ControlSession(
            wantsTerminal: true, forwardsX11: false, forwardsAgent: true, isSubsystem: false, escapeCharacter: 0x7E,
            terminalType: "xterm", command: [0x6C, 0x73, 0xE5], environment: ["LANG=C"])
        var input = ControlInput()
        // One byte at a time, as a slow client may; then a byte with each descriptor.
        for byte in bytes {
            #expect(try input.next() == nil)
            input.bytes.writeInteger(byte)
        }
        for descriptor: Int32 in [40, 41, 42] {
            #expect(try input.next() == nil)
            input.bytes.writeInteger(UInt8(0))
            input.descriptors.append(descriptor)
        }
        let next = try #require(try input.next())
        #expect(next.request == .session(id: 1, wanted))
        #expect(next.descriptors == [40, 41, 42])
        #expect(try input.next() == nil)
    }

    @Test("descriptors of the next request may come with the bytes of this one")
    func pipelined() throws {
        var input = ControlInput()
        let alive: [UInt8] = [0, 0, 0, 8, 0x10, 0, 0, 4, 0, 0, 0, 9]
        let session: [UInt8] =
            [0, 0, 0, 40, 0x10, 0, 0, 2, 0, 0, 0, 1] + Array(repeating: 0, count: 20) + [0xFF, 0xFF, 0xFF, 0xFF]
            + Array(repeating: 0, count: 8)
        input.bytes.writeBytes(alive + session + [0, 0, 0] + session + [0])
        input.descriptors = [40, 41, 42, 50]
        #expect(try input.next()?.request == .alive(id: 9))
        #expect(try input.next()?.descriptors == [40, 41, 42])
        #expect(try input.next() == nil)
        input.bytes.writeBytes([0, 0])
        input.descriptors += [51, 52]
        #expect(try input.next()?.descriptors == [50, 51, 52])
        #expect(try input.next() == nil)
        #expect(input.descriptors.isEmpty)
    }

    @Test("descriptors that no request follows are refused, and so are more than two requests bring")
    func strayDescriptors() throws {
        let alive: [UInt8] = [0, 0, 0, 8, 0x10, 0, 0, 4, 0, 0, 0, 9]
        #expect(throws: ControlFault.descriptors) { try requests(alive, [40]) }
        #expect(throws: ControlFault.descriptors) { try requests(alive + [0], Array(40..<47)) }
    }

    @Test("the escape character 0xffffffff is none")
    func noEscape() throws {
        var bytes: [UInt8] = [0, 0, 0, 40, 0x10, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0]
        bytes += [UInt8](repeating: 0, count: 16) + [0xFF, 0xFF, 0xFF, 0xFF] + [UInt8](repeating: 0, count: 8)
        guard case .session(_, let wanted) = try requests(bytes + [0, 0, 0], [1, 2, 3]).first else {
            Issue.record("no session")
            return
        }
        #expect(wanted.escapeCharacter == nil)
        #expect(wanted.command.isEmpty)
    }

    private func forward(_ type: UInt8, _ kind: UInt8, _ from: (String, UInt32), _ to: (String, UInt32)) -> [UInt8] {
        var body = ByteBuffer(bytes: [0x10, 0, 0, type, 0, 0, 0, 9, 0, 0, 0, kind])
        for (host, port) in [from, to] {
            body.writeInteger(UInt32(host.utf8.count))
            body.writeString(host)
            body.writeInteger(port)
        }
        return Array(ByteBuffer(integer: UInt32(body.readableBytes)).readableBytesView) + Array(body.readableBytesView)
    }

    @Test("forwards name ports, paths and SOCKS; no address is loopback, * is every one")
    func forwards() throws {
        let socket: UInt32 = 0xFFFF_FFFE
        let bytes =
            forward(6, 1, ("", 8080), ("db", 5432)) + forward(6, 1, ("*", 8080), ("/run/db", socket))
            + forward(6, 2, ("", 0), ("127.0.0.1", 22)) + forward(6, 2, ("*", 9), ("", 0))
            + forward(6, 3, ("127.0.0.1", 1080), ("socks", 0)) + forward(7, 1, ("/tmp/s", socket), ("db", 1))
        let tcp = { (host: String, port: Int) in SSHForwardEndpoint.tcp(host: host, port: port) }
        #expect(
            try requests(bytes) == [
                .openForward(
                    id: 9, ControlForward(kind: .local, listener: tcp("localhost", 8080), target: tcp("db", 5432))),
                .openForward(
                    id: 9, ControlForward(kind: .local, listener: tcp("::", 8080), target: .unix(path: "/run/db"))),
                .openForward(
                    id: 9, ControlForward(kind: .remote, listener: tcp("localhost", 0), target: tcp("127.0.0.1", 22))),
                .openForward(id: 9, ControlForward(kind: .remote, listener: tcp("", 9), target: nil)),
                .openForward(id: 9, ControlForward(kind: .dynamic, listener: tcp("127.0.0.1", 1080), target: nil)),
                .closeForward(
                    id: 9, ControlForward(kind: .local, listener: .unix(path: "/tmp/s"), target: tcp("db", 1))),
            ])
    }

    @Test(
        "a forward that cannot be is answered with a failure",
        arguments: [
            (1, "", 0, "db", 1), (1, "", 70_000, "db", 1), (1, "", 80, "db", 70_000), (9, "", 80, "db", 1),
            (1, "relative", 0xFFFF_FFFE, "db", 1),
        ]
            as [(UInt8, String, UInt32, String, UInt32)])
    func impossible(kind: UInt8, host: String, port: UInt32, target: String, targetPort: UInt32) throws {
        #expect(try requests(forward(6, kind, (host, port), (target, targetPort))) == [.unknown(id: 9)])
    }

    @Test("a request that nobody knows is answered, whatever is in it")
    func unknown() throws {
        #expect(try requests([0, 0, 0, 10, 0x10, 0, 0, 0x0F, 0, 0, 0, 3, 1, 2]) == [.unknown(id: 3)])
    }

    @Test(
        "what is no message ends the client",
        arguments: [
            ([0, 0, 0, 4, 0, 0, 0, 1], .malformed), ([0, 0, 0, 0], .malformed), ([0, 4, 0, 1], .tooLong),
            ([0xFF, 0xFF, 0xFF, 0xFF], .tooLong), ([0, 0, 0, 9, 0x10, 0, 0, 4, 0, 0, 0, 0, 0], .malformed),
            ([0, 0, 0, 12, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 9], .malformed),
            ([0, 0, 0, 12, 0x10, 0, 0, 2, 0, 0, 0, 1, 0xFF, 0xFF, 0xFF, 0xFF], .malformed),
        ] as [([UInt8], ControlFault)])
    func malformed(bytes: [UInt8], fault: ControlFault) {
        #expect(throws: fault) { try requests(bytes) }
    }

    @Test("a command with a NUL is no message")
    func nul() {
        var bytes: [UInt8] = [0, 0, 0, 43, 0x10, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0]
        bytes += [UInt8](repeating: 0, count: 24) + [0, 0, 0, 3, 0x61, 0, 0x62]
        #expect(throws: ControlFault.malformed) { try requests(bytes + [0, 0, 0], [1, 2, 3]) }
    }

    @Test(
        "descriptors that nobody asked for, or too few of them, end the client",
        arguments: [[5], [5, 6], [5, 6, 7, 8]])
    func descriptors(brought: [Int32]) {
        var session: [UInt8] = [0, 0, 0, 40, 0x10, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0]
        session += [UInt8](repeating: 0, count: 28)
        #expect(throws: ControlFault.descriptors) { try requests(session + [0, 0, 0], brought) }
        #expect(throws: ControlFault.descriptors) { try requests([0, 0, 0, 8, 0x10, 0, 0, 4, 0, 0, 0, 0], brought) }
    }

    @Test("20 000 broken messages are refused or understood, and never more is kept than a message may have")
    func noise() {
        var random = SystemRandomNumberGenerator()
        let whole: [[UInt8]] = [
            [0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0, 4], forward(6, 1, ("", 8080), ("db", 5432)),
            [0, 0, 0, 40, 0x10, 0, 0, 2] + [UInt8](repeating: 0, count: 36),
            [0, 0, 0, 21, 0x10, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0x68, 0, 0, 0, 22, 0, 0],
        ]
        for _ in 0..<20_000 {
            var bytes = (0..<3).flatMap { _ in whole[Int.random(in: 0..<whole.count, using: &random)] }
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            var input = ControlInput()
            input.bytes.writeBytes(bytes.prefix(Int.random(in: 0...bytes.count, using: &random)))
            input.descriptors = (0..<Int32.random(in: 0...3, using: &random)).map { 100 + $0 }
            while (try? input.next()) ?? nil != nil {}
            #expect(input.bytes.readableBytes <= bytes.count)
            #expect(input.descriptors.count <= 3)
        }
    }

    @Test("replies are what OpenSSH's client reads")
    func replies() {
        let expected: [(ControlReply, [UInt8])] = [
            (.hello, [0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0, 4]),
            (.ok(id: 1), [0, 0, 0, 8, 0x80, 0, 0, 1, 0, 0, 0, 1]),
            (.denied(id: 1, "no"), [0, 0, 0, 14, 0x80, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0x6E, 0x6F]),
            (.failure(id: 2, "no"), [0, 0, 0, 14, 0x80, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0x6E, 0x6F]),
            (.exit(session: 5, status: 255), [0, 0, 0, 12, 0x80, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0, 255]),
            (.alive(id: 0, process: 258), [0, 0, 0, 12, 0x80, 0, 0, 5, 0, 0, 0, 0, 0, 0, 1, 2]),
            (.opened(id: 1, session: 5), [0, 0, 0, 12, 0x80, 0, 0, 6, 0, 0, 0, 1, 0, 0, 0, 5]),
            (.port(id: 1, 8080), [0, 0, 0, 12, 0x80, 0, 0, 7, 0, 0, 0, 1, 0, 0, 0x1F, 0x90]),
            (.lacksTerminal(session: 5), [0, 0, 0, 8, 0x80, 0, 0, 8, 0, 0, 0, 5]),
        ]
        for (reply, bytes) in expected { #expect(Array(reply.encoded().readableBytesView) == bytes) }
    }
}
