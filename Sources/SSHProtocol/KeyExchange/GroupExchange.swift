// Diffie-Hellman in a group that the server chooses: RFC 4419, with the bounds of RFC 8270.

import NIOCore
import SSHCrypto

/// SSH_MSG_KEX_DH_GEX_REQUEST: sizes of the group in bits.
struct GroupRequest {
    var minimum: UInt32
    var preferred: UInt32
    var maximum: UInt32

    /// RFC 8270 §3 for the minimum; 3072 bits are as strong as a 128 bit key.
    static let standard = GroupRequest(minimum: 2048, preferred: 3072, maximum: 8192)

    init(minimum: UInt32, preferred: UInt32, maximum: UInt32) {
        self.minimum = minimum
        self.preferred = preferred
        self.maximum = maximum
    }

    init(_ payload: ByteBuffer) throws(ProtocolError) {
        var reader = MessageReader(payload, of: "KEX_DH_GEX_REQUEST")
        minimum = try reader.uint32()
        preferred = try reader.uint32()
        maximum = try reader.uint32()
        try reader.end()
    }

    var encoded: ByteBuffer {
        var buffer = ByteBuffer(message: .groupExchangeRequest, capacity: 13)
        write(&buffer)
        return buffer
    }

    fileprivate func write(_ buffer: inout ByteBuffer) {
        buffer.writeInteger(minimum)
        buffer.writeInteger(preferred)
        buffer.writeInteger(maximum)
    }

    /// Server: the group that fits.
    func choice() throws(ProtocolError) -> AgreedGroup {
        let isInOrder = minimum <= preferred && preferred <= maximum
        guard isInOrder,
            let group = DHGroup.groupExchangeChoice(
                minimum: Int(minimum), preferred: Int(preferred), maximum: Int(maximum))
        else {
            throw .keyExchange("The host asked for a group of \(minimum) to \(maximum) bits, and there is none.")
        }
        return AgreedGroup(request: self, group: group)
    }

    /// Client: SSH_MSG_KEX_DH_GEX_GROUP, the server's choice, within what was asked for.
    func agreed(on payload: ByteBuffer) throws(ProtocolError) -> AgreedGroup {
        var reader = MessageReader(payload, of: "KEX_DH_GEX_GROUP")
        let prime = try Self.magnitude(try reader.bytes())
        let generator = try Self.magnitude(try reader.bytes())
        try reader.end()
        do throws(SSHCryptoError) {
            return AgreedGroup(request: self, group: try DHGroup(prime: prime, generator: generator))
        } catch {
            throw .keyExchange("The host chose a group that is too small, too large or no group.")
        }
    }

    /// RFC 4251 §5: positive, and no longer than it must be.
    private static func magnitude(_ mpint: [UInt8]) throws(ProtocolError) -> [UInt8] {
        guard let first = mpint.first, first < 0x80 else {
            throw .keyExchange("The host chose a group with a number that is not positive.")
        }
        guard first == 0 else { return mpint }
        guard let second = mpint.dropFirst().first, second >= 0x80 else {
            throw .malformed("The host sent a number with leading zeros.")
        }
        return Array(mpint.dropFirst())
    }
}

/// The group that both sides work in, and what was asked for: both go into the exchange hash.
struct AgreedGroup {
    var request: GroupRequest
    var group: DHGroup

    /// SSH_MSG_KEX_DH_GEX_GROUP.
    var encoded: ByteBuffer {
        var buffer = ByteBuffer(message: .groupExchangeGroup, capacity: group.prime.count + 32)
        writeGroup(&buffer)
        return buffer
    }

    /// RFC 4419 §3: min || n || max || p || g.
    func writeTranscript(_ buffer: inout ByteBuffer) {
        request.write(&buffer)
        writeGroup(&buffer)
    }

    private func writeGroup(_ buffer: inout ByteBuffer) {
        for number in [group.prime, group.generator] {
            let isNegative = (number.first ?? 0) >= 0x80
            buffer.writeSSHString(isNegative ? [0] + number : number)
        }
    }
}
