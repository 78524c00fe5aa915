import NIOCore
import SSHCrypto
import SSHKeys
import TestSupport
import Testing

@testable import SSHProtocol

/// Cases 1 to 7 and 40: bytes that are no SSH, packets of impossible shapes, floods. Before our server; what concerns our
/// client stands with the tests of the client.
@Suite struct HostileTransportTests {
    private func server() -> ScriptedClient {
        let client = ScriptedClient()
        client.server.start(now: client.now)
        return client
    }

    private func told(_ text: String) -> ProtocolError? {
        let client = server()
        client.deliver(ByteBuffer(string: text))
        return client.error
    }

    @Test(
        "case 1: a first line that is no identification ends the connection at once",
        arguments: [
            "\n", "\r\n", "\r", "\0", "\0\0\0\0", "GET / HTTP/1.1\r\n", "hello", "ssh-2.0-x\r\n", "\u{16}\u{3}\u{1}",
        ])
    func case1(text: String) {
        #expect(told(text)?.code == .notSSH)
    }

    @Test("case 1: an identification with anything but printable ASCII ends the connection")
    func case1Bytes() {
        for text in ["SSH-2.0-x\0y\r\n", "SSH-2.0-\u{1B}[2J\r\n", "SSH-2.0-x\ry\n", "SSH-2.0-é\r\n"] {
            #expect(told(text)?.code == .malformed)
        }
    }

    @Test("case 2: 255 bytes of identification are accepted, 256 are not, nor more without an end")
    func case2() {
        func line(_ length: Int) -> String { "SSH-2.0-" + String(repeating: "x", count: length - 10) + "\r\n" }
        #expect(told(line(255)) == nil)
        #expect(told(line(256))?.code == .malformed)
        #expect(told("SSH-2.0-" + String(repeating: "x", count: 300))?.code == .malformed)
    }

    @Test("case 3: version 1 is refused, 1.99 is version 2")
    func case3() {
        #expect(told("SSH-1.5-x\r\n")?.code == .versionNotSupported)
        #expect(told("SSH-1.99-x\r\n") == nil)
        #expect(told("SSH-3.0-x\r\n")?.code == .versionNotSupported)
    }

    @Test(
        "case 4: an impossible length before the keys ends the connection before anything is buffered",
        arguments: [0, 1, 2, 4, 5, 11, 13, 65_537, 262_145, 0x7FFF_FFFF, 0xFFFF_FFFF] as [UInt32])
    func case4(length: UInt32) {
        let client = server()
        var packet = ByteBuffer(string: "SSH-2.0-x\r\n")
        packet.writeInteger(length)
        packet.writeBytes([4, 2, 0, 0, 0, 0, 0, 0])
        client.deliver(packet)
        #expect(client.error?.code == .malformed)
    }

    @Test(
        "case 5: padding shorter than four bytes or longer than the packet ends the connection",
        arguments: [0, 3, 12, 255] as [UInt8])
    func case5(padding: UInt8) {
        let client = server()
        var packet = ByteBuffer(string: "SSH-2.0-x\r\n")
        packet.writeBytes([0, 0, 0, 12, padding, 2] + [UInt8](repeating: 0, count: 10))
        client.deliver(packet)
        #expect(client.error?.code == .malformed)
    }

    @Test(
        "case 6: a bit flipped in the first packet under the keys lets nothing through", arguments: CipherName.allCases)
    func case6(cipher: CipherName) throws {
        for mac in cipher.isAEAD ? [MACName.hmacSHA256] : MACName.allCases {
            let preferences = AlgorithmPreferences(keyExchange: [.curve25519], ciphers: [cipher], macs: [mac])
            for offset in stride(from: 0, to: 64, by: 7) {
                let client = try ScriptedClient.joined(preferences) { $0.algorithms = preferences }
                try client.writer.send(ServiceName(ServiceName.userAuth).request)
                let sealed = client.writer.take()
                var packet = try #require(sealed)
                let place = packet.readerIndex + offset % packet.readableBytes
                let byte = try #require(packet.getInteger(at: place, as: UInt8.self))
                packet.setInteger(byte ^ 0x10, at: place)
                client.deliver(packet)
                if client.error == nil { client.deliver(ByteBuffer(repeating: 0, count: 300_000)) }
                #expect(client.error?.code == .integrity || client.error?.code == .malformed, "\(cipher) \(offset)")
                #expect(!client.numbers.contains(6))
            }
        }
    }

    @Test("case 7: bytes after the end of a message, and counts larger than what follows, end the connection")
    func case7() throws {
        for message in [
            ServiceName(ServiceName.userAuth).request.adding([0]),
            ByteBuffer(bytes: [5, 0, 0, 0, 200, 1]), ByteBuffer(bytes: [5, 0xFF, 0xFF, 0xFF, 0xFF]),
            ByteBuffer(bytes: [5]),
            ByteBuffer(bytes: [7, 0xFF, 0xFF, 0xFF, 0xFF]), ByteBuffer(bytes: [7, 0, 0, 0, 1, 0, 0, 0, 0]),
            ByteBuffer(bytes: [5, 0, 0, 0, 3, 97, 0, 98]),
        ] {
            let client = try ScriptedClient.joined()
            try client.say(message)
            #expect(client.error?.code == .malformed)
        }
    }

    @Test("case 7: a KEXINIT with a malformed name-list or bytes missing ends the connection", arguments: 0..<5)
    func case7Init(variant: Int) throws {
        let client = server()
        var message = ByteBuffer(bytes: [20] + [UInt8](repeating: 1, count: 16))
        let first = ["curve25519-sha256,,x", "a\0b", "é", ",", ""][variant]
        message.writeSSHString(first)
        if variant < 4 { for _ in 0..<9 { message.writeSSHString("") } }
        client.writer.writeIdentification("SSH-2.0-x")
        try client.writer.send(message)
        try client.pump()
        #expect(client.error?.code == .malformed)
        #expect(client.error?.description.contains("The client") == true)
    }

    @Test("case 40: a ping before authentication ends the connection")
    func case40Early() throws {
        let client = try ScriptedClient.atTheDoor()
        try client.say(Ping(data: [1]).encoded(.ping))
        #expect(client.error?.code == .unexpectedMessage)
    }

    @Test("case 40: pings wait for the end of a key exchange, and a flood of them ends the connection")
    func case40Flood() async {
        await #expect(processExitsWith: .success) {
            let client = try ScriptedClient.authenticated()
            try client.say(Ping(data: [1, 2]).encoded(.ping))
            #expect(client.numbers.last == 193)
            // The server has begun an exchange that we never answer.
            client.server.beginRekey(now: client.now)
            _ = client.server.drainOutput(now: client.now)
            let pings = try client.pings(5000)
            let growth = try PeakMemory.growth { client.deliver(pings) }
            #expect(growth < 8 << 20)
            #expect(client.error?.code == .limitExceeded)
        }
    }

    @Test("case 40: who does not read the answers to its pings is not read any more")
    func case40Unread() async {
        await #expect(processExitsWith: .success) {
            let client = try ScriptedClient.authenticated()
            client.server.setWritable(false)
            let pings = try client.pings(10_000)
            let growth = try PeakMemory.growth { client.deliver(pings) }
            #expect(growth < 8 << 20)
            #expect(client.error == nil)
            #expect(!client.server.wantsInput)
            let answers = client.server.drainOutput(now: client.now)?.readableBytes ?? 0
            #expect(answers < 2 * ConnectionMachine.controlBacklog)
        }
    }

    @Test("cases 2, 4 and 7: whoever is not let in yet makes us keep less than a megabyte")
    func boundedAtTheDoor() async {
        await #expect(processExitsWith: .success) {
            for _ in 0..<20 { try HostileTransportTests.knock() }
            let growth = try PeakMemory.growth {
                // All of them stay; each has sent as much as it may.
                let doors = try (0..<16).map { _ in try HostileTransportTests.knock() }
                #expect(doors.allSatisfy { $0.error == nil })
            }
            #expect(growth < 16 << 20)
        }
    }

    /// A client at the door that has sent the largest packet it may, but for its last byte, and IGNORE as often as it may.
    @discardableResult
    private static func knock() throws -> ScriptedClient {
        let client = try ScriptedClient.atTheDoor()
        let ignored = ByteBuffer(bytes: [2] + [UInt8](repeating: 0, count: 30_000))
        for _ in 0..<200 { try client.say(ignored) }
        try client.writer.send(ByteBuffer(bytes: [5] + [UInt8](repeating: 0, count: 60_000)))
        var last = client.writer.take() ?? ByteBuffer()
        client.deliver(last.readSlice(length: last.readableBytes - 1) ?? ByteBuffer())
        return client
    }

    @Test("unassigned messages are answered with UNIMPLEMENTED and their number")
    func unimplemented() throws {
        let client = try ScriptedClient.atTheDoor()
        let before = client.writer.sequenceNumber
        try client.say(9)
        #expect(client.received.last == Unimplemented(sequenceNumber: before).encoded)
        #expect(client.error == nil)
    }

    @Test("noise never traps, at any stage")
    func noise() throws {
        for seed in 0..<120 {
            let client = seed % 3 == 0 ? server() : try ScriptedClient.atTheDoor()
            if seed % 3 == 1 { client.authorize = { _ in .accept } }
            if seed % 3 == 1 { try client.say(AuthMessage().none) }
            if seed % 2 == 0 {
                client.deliver(ByteBuffer(bytes: randomBytes(2000)))
            } else {
                for _ in 0..<20 { try? client.say(ByteBuffer(bytes: randomBytes(1 + seed % 60))) }
            }
            client.server.connectionLost()
            client.takeEvents()
            #expect(client.error != nil)
        }
    }
}

extension ScriptedClient {
    fileprivate static func authenticated() throws -> ScriptedClient {
        let client = try ScriptedClient.atTheDoor()
        client.authorize = { _ in .accept }
        try client.say(AuthMessage().none)
        return client
    }

    fileprivate func pings(_ count: Int) throws -> ByteBuffer {
        for _ in 0..<count { try writer.send(Ping(data: [UInt8](repeating: 1, count: 100)).encoded(.ping)) }
        return writer.take() ?? ByteBuffer()
    }
}

extension ByteBuffer {
    func adding(_ bytes: [UInt8]) -> ByteBuffer {
        var copy = self
        copy.writeBytes(bytes)
        return copy
    }
}
