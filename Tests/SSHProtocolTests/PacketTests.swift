import NIOCore
import SSHCrypto
import Testing

@testable import SSHProtocol

/// Packets of impossible lengths, and packets that were altered on the way.
@Suite struct PacketTests {
    @Test(
        "an impossible length before the keys ends the connection before anything is buffered",
        arguments: [0, 1, 2, 4, 5, 11, 13, 65_537, 0x7FFF_FFFF, 0xFFFF_FFFF] as [UInt32])
    func cleartextLengths(length: UInt32) throws {
        let pair = BackToBack()
        pair.client.start(now: pair.now)
        pair.deliver(ByteBuffer(string: "SSH-2.0-x\r\n"))
        var packet = ByteBuffer()
        packet.writeInteger(length)
        packet.writeBytes([4, 2, 0, 0, 0, 0, 0, 0])
        pair.deliver(packet)
        pair.takeEvents()
        #expect(pair.error?.code == .malformed)
        #expect(pair.error?.reason == .protocolError)
    }

    @Test(
        "padding shorter than four bytes or longer than the packet ends the connection",
        arguments: [0, 3, 12, 255] as [UInt8])
    func padding(length: UInt8) throws {
        let pair = BackToBack()
        pair.client.start(now: pair.now)
        pair.deliver(ByteBuffer(string: "SSH-2.0-x\r\n"))
        pair.deliver(ByteBuffer(bytes: [0, 0, 0, 12, length, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]))
        pair.takeEvents()
        #expect(pair.error?.code == .malformed)
    }

    @Test(
        "a bit flipped anywhere in a packet is noticed, and nothing of it is released", arguments: CipherName.standard)
    func bitFlips(cipher: CipherName) throws {
        for mac in cipher.isAEAD ? [MACName.hmacSHA256] : MACName.standard {
            let server = ScriptedServer()
            server.offer = KeyExchangeInit(
                keyExchange: ["curve25519-sha256"], hostKeys: ["ssh-ed25519"], ciphers: [cipher.rawValue],
                macs: [mac.rawValue])
            var length = Int.max
            var offset = 0
            while offset < length {
                let pair = try BackToBack.connected(server.copy())
                let id = try pair.openChannel()
                try pair.server.send(.data(id.number, Array("secret".utf8)))
                var packet = try #require(pair.server.take())
                length = packet.readableBytes
                let byte = try #require(packet.getInteger(at: packet.readerIndex + offset, as: UInt8.self))
                packet.setInteger(byte ^ (1 << UInt8(offset % 8)), at: packet.readerIndex + offset)
                pair.deliver(packet)
                // A flipped length may ask for more bytes first: they come, and the packet is refused.
                if pair.error == nil { pair.deliver(ByteBuffer(repeating: 0, count: 300_000)) }
                pair.takeEvents()
                #expect(pair.error?.code == .integrity || pair.error?.code == .malformed, "offset \(offset)")
                #expect(pair.dataAtClient.isEmpty)
                offset += length > 60 ? 3 : 1
            }
        }
    }

    @Test("an empty packet ends the connection")
    func emptyPayload() throws {
        let pair = BackToBack()
        pair.client.start(now: pair.now)
        pair.deliver(ByteBuffer(string: "SSH-2.0-x\r\n"))
        pair.deliver(ByteBuffer(bytes: [0, 0, 0, 12, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]))
        pair.takeEvents()
        #expect(pair.error?.code == .malformed)
    }

    @Test("noise never traps")
    func noise() {
        for seed in 0..<200 {
            let pair = BackToBack()
            pair.client.start(now: pair.now)
            if seed % 2 == 0 { pair.deliver(ByteBuffer(string: "SSH-2.0-x\r\n")) }
            pair.deliver(ByteBuffer(bytes: randomBytes(2000)))
            pair.client.connectionLost()
            pair.takeEvents()
            #expect(pair.error != nil)
        }
    }
}

extension ScriptedServer {
    /// A fresh one with the same offer.
    func copy() -> ScriptedServer {
        let server = ScriptedServer()
        server.offer = offer
        return server
    }
}
