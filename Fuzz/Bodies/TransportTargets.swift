import NIOCore
import SSHCrypto

@testable import SSHProtocol

extension FuzzTarget {
    static let transport: [FuzzTarget] =
        [
            FuzzTarget("identification", seeds: { identificationSeeds }) { try readIdentification($0) },
            FuzzTarget("packets-cleartext", seeds: { cleartextSeeds }) { try readCleartext($0) },
            FuzzTarget("compression", seeds: { compressionSeeds }) { try decompress($0) },
        ]
        + PacketKeys.all.map { keys in
            FuzzTarget("packets-\(keys.name)", seeds: { keys.seeds }) { try keys.read($0) }
        }

    private static let identificationSeeds = [
        "\u{4}\u{5}SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\nmore", "\0\0hello\r\nSSH-1.99-x y\n",
        "\u{1}\u{7}SSH-1.5-old\n",
    ].map { Array($0.utf8) }

    /// The first byte is the role, the second the size of the pieces; in one piece it must come to the same.
    @Sendable private static func readIdentification(_ bytes: [UInt8]) throws {
        var input = FuzzInput(bytes)
        let role: ConnectionRole = input.boolean() ? .server : .client
        let size = input.byte()
        let stream = ByteBuffer(bytes: input.rest)
        let whole = identification(role, [stream])
        let cut = identification(role, stream.pieces([UInt8](repeating: max(1, size), count: stream.readableBytes)))
        try hold(whole == cut, "An identification in pieces is read otherwise: \(whole) and \(cut)")
    }

    private enum Reading: Equatable {
        case line(String, preface: String)
        case error(ProtocolError.Code)
        case incomplete
    }

    private static func identification(_ role: ConnectionRole, _ pieces: [ByteBuffer]) -> Reading {
        var reader = IdentificationReader(role: role)
        var buffer = ByteBuffer()
        for piece in pieces {
            buffer.writeImmutableBuffer(piece)
            do throws(ProtocolError) {
                if let line = try reader.read(from: &buffer) { return .line(line, preface: reader.preface) }
            } catch { return .error(error.code) }
        }
        return .incomplete
    }

    private static let cleartextSeeds: [[UInt8]] = {
        var out = ByteBuffer(bytes: [0])
        var packets = CleartextPackets()
        for length in [1, 12, 300] {
            try? packets.seal(ByteBuffer(repeating: UInt8(truncatingIfNeeded: length), count: length), into: &out)
        }
        return [Array(out.readableBytesView)]
    }()

    @Sendable private static func readCleartext(_ bytes: [UInt8]) throws {
        var input = FuzzInput(bytes)
        let size = input.byte()
        let stream = ByteBuffer(bytes: input.rest)
        let whole = payloads(PacketReader(), [stream])
        let cut = payloads(PacketReader(), stream.pieces([UInt8](repeating: size, count: 64)))
        try hold(whole.payloads == cut.payloads && whole.error == cut.error, "Packets in pieces are read otherwise")
    }

    /// Everything that a stream holds, and how it ended.
    static func payloads(
        _ reader: PacketReader, _ pieces: [ByteBuffer]
    ) -> (payloads: [[UInt8]], error: ProtocolError.Code?) {
        var (reader, payloads) = (reader, [[UInt8]]())
        for piece in pieces {
            reader.receive(piece)
            do throws(ProtocolError) {
                while let payload = try reader.next() { payloads.append(Array(payload.readableBytesView)) }
            } catch { return (payloads, error.code) }
            reader.shrink()
        }
        return (payloads, nil)
    }

    private static let compressionSeeds: [[UInt8]] = {
        guard let compressor = try? PacketCompressor() else { return [] }
        var out = ByteBuffer()
        for length in [10, 2000] {
            var packet = ByteBuffer()
            try? compressor.compress(ByteBuffer(repeating: 7, count: length), into: &packet)
            out.writeInteger(UInt8(truncatingIfNeeded: packet.readableBytes))
            out.writeImmutableBuffer(packet)
        }
        return [Array(out.readableBytesView)]
    }()

    @Sendable private static func decompress(_ bytes: [UInt8]) throws {
        var input = FuzzInput(bytes)
        let decompressor = try PacketDecompressor()
        let limit = 64 * 1024
        while !input.isEmpty {
            let packet = ByteBuffer(bytes: input.chunk())
            guard let payload = try? decompressor.decompress(packet, limit: limit) else { return }
            try hold(payload.readableBytes <= limit, "More than the limit comes out")
        }
    }
}

/// The keys of one direction, the same for every input.
struct PacketKeys: Sendable {
    let cipher: CipherName
    let mac: MACName?

    /// Each AEAD, and each other cipher with a MAC of each way of using it.
    static let all: [PacketKeys] =
        CipherName.allCases.filter(\.isAEAD).map { PacketKeys(cipher: $0, mac: nil) }
        + [CipherName.aes128CTR, .aes256CTR, .aes128CBC, .tripleDESCBC].flatMap { cipher in
            [MACName.hmacSHA256EtM, .hmacSHA256].map { PacketKeys(cipher: cipher, mac: $0) }
        }

    var name: String {
        let cipher = cipher.rawValue.prefix { $0 != "@" }
        return mac.map { "\(cipher)-\($0.isEncryptThenMAC ? "etm" : "mac")" } ?? String(cipher)
    }

    private func fixed(_ count: Int, _ salt: UInt8) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0) &* 31 &+ salt }
    }

    private var parts: (key: [UInt8], iv: [UInt8], macKey: [UInt8]) {
        (fixed(cipher.keyLength, 1), fixed(cipher.ivLength, 2), fixed(mac?.keyLength ?? 0, 3))
    }

    func reader() throws -> PacketReader {
        var reader = PacketReader()
        let opener = try PacketOpener(
            cipher: cipher, mac: mac, key: parts.key, iv: parts.iv, macKey: parts.macKey)
        try reader.install(opener, .none, resetsSequence: true)
        return reader
    }

    func sealed(_ payloads: [[UInt8]]) throws -> ByteBuffer {
        let sealer = try PacketSealer(
            cipher: cipher, mac: mac, key: parts.key, iv: parts.iv, macKey: parts.macKey)
        var out = ByteBuffer()
        for (number, payload) in payloads.enumerated() {
            try sealer.seal(
                ByteBuffer(bytes: payload), sequenceNumber: UInt32(truncatingIfNeeded: number), into: &out)
        }
        return out
    }

    /// The bytes of a sealed stream, behind one byte for the size of the pieces and three that change nothing.
    var seeds: [[UInt8]] {
        let sealed = (try? sealed([[94, 1, 2], fixed(40, 9)])) ?? ByteBuffer()
        return [[0, 0, 0, 0] + Array(sealed.readableBytesView), [7, 1, 9, 0x80, 5, 5, 5]]
    }

    /// Raw bytes, and packets of our own with one byte changed: nothing that was changed may come out.
    func read(_ bytes: [UInt8]) throws {
        var input = FuzzInput(bytes)
        let size = input.byte()
        let (place, mask) = (Int(input.byte()) << 8 | Int(input.byte()), input.byte())
        let raw = ByteBuffer(bytes: input.rest)
        let whole = FuzzTarget.payloads(try reader(), [raw])
        let cut = FuzzTarget.payloads(try reader(), raw.pieces([UInt8](repeating: size, count: 64)))
        try hold(
            whole.payloads == cut.payloads && whole.error == cut.error,
            "Packets in pieces are read otherwise: \(whole) and \(cut)")

        let sent = [Array(input.rest.prefix(500)), [1, 2, 3], [4]].filter { !$0.isEmpty }
        var stream = Array(try sealed(sent).readableBytesView)
        stream[place % stream.count] ^= mask
        let opened = FuzzTarget.payloads(try reader(), [ByteBuffer(bytes: stream)])
        if mask == 0 {
            try hold(opened.payloads == sent && opened.error == nil, "What was sealed was not opened: \(opened)")
        } else {
            try hold(
                opened.payloads.count < sent.count && opened.payloads == Array(sent.prefix(opened.payloads.count)),
                "A changed packet was opened")
        }
    }
}
