// The binary packet protocol in both directions, with what the rekey policy has to know.

import NIOCore
import SSHCrypto

struct Transport {
    var reader = PacketReader()
    var writer = PacketWriter()
    /// Since our KEXINIT and until our NEWKEYS.
    private(set) var isHolding = false
    private var held = OutboundQueue()

    /// Sends at once: for messages of the transport layer and of key exchange.
    mutating func send(_ payload: ByteBuffer) throws(ProtocolError) {
        try writer.send(payload)
    }

    /// Sends now, or after the key exchange in progress.
    mutating func sendOrHold(_ payload: ByteBuffer) throws(ProtocolError) {
        if isHolding {
            try held.append(payload)
        } else {
            try writer.send(payload)
        }
    }

    /// Our KEXINIT leaves: from now on everything else waits.
    mutating func sendKeyExchangeInit(_ payload: ByteBuffer) throws(ProtocolError) {
        isHolding = true
        try writer.send(payload)
    }

    /// Our NEWKEYS leaves under the old keys, everything that waited under the new ones.
    mutating func sendNewKeys(
        _ sealer: PacketSealer, _ compression: CompressionName, isStrict: Bool
    ) throws(ProtocolError) {
        try writer.send(ByteBuffer(message: .newKeys, capacity: 1))
        try writer.install(sealer, compression, resetsSequence: isStrict)
        isHolding = false
        while let message = held.popFirst() { try writer.send(message) }
    }

    /// The user is authenticated: what was agreed on as delayed compression begins, in both directions, with the next
    /// packet.
    mutating func beginCompression() throws(ProtocolError) {
        try writer.beginCompression()
        try reader.beginCompression()
    }

    /// Whether the policy wants new keys (RFC 4253 §9; RFC 4344 §3.1 for the count of packets).
    func wantsNewKeys(_ policy: RekeyPolicy) -> Bool {
        let packets = max(reader.packets, writer.packets)
        guard packets > 0 else { return false }
        return packets >= policy.packets || max(reader.bytes, writer.bytes) >= policy.bytes
    }
}
