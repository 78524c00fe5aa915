// Messages of key exchange: RFC 4253 §7.1, RFC 5656 §4.

import NIOCore

/// SSH_MSG_KEXINIT (RFC 4253 §7.1).
struct KeyExchangeInit {
    var keyExchange: [String]
    var hostKeys: [String]
    var ciphersClientToServer: [String]
    var ciphersServerToClient: [String]
    var macsClientToServer: [String]
    var macsServerToClient: [String]
    var compressionClientToServer: [String]
    var compressionServerToClient: [String]
    /// The sender has sent its guess of the next message along.
    var firstPacketFollows = false

    init(
        keyExchange: [String], hostKeys: [String], ciphers: [String], macs: [String], compression: [String] = ["none"]
    ) {
        compressionClientToServer = compression
        compressionServerToClient = compression
        self.keyExchange = keyExchange
        self.hostKeys = hostKeys
        ciphersClientToServer = ciphers
        ciphersServerToClient = ciphers
        macsClientToServer = macs
        macsServerToClient = macs
    }

    init(_ payload: ByteBuffer) throws(ProtocolError) {
        var reader = MessageReader(payload, of: "KEXINIT")
        try reader.skip(16)
        keyExchange = try reader.nameList()
        hostKeys = try reader.nameList()
        ciphersClientToServer = try reader.nameList()
        ciphersServerToClient = try reader.nameList()
        macsClientToServer = try reader.nameList()
        macsServerToClient = try reader.nameList()
        compressionClientToServer = try reader.nameList()
        compressionServerToClient = try reader.nameList()
        // Languages are read past and never used (RFC 4253 §7.1).
        _ = try reader.slice()
        _ = try reader.slice()
        firstPacketFollows = try reader.boolean()
        _ = try reader.uint32()
        try reader.end()
    }

    /// - Parameter cookie: 16 random bytes.
    func encoded(cookie: [UInt8]) -> ByteBuffer {
        var buffer = ByteBuffer(message: .keyExchangeInit, capacity: 1024)
        buffer.writeBytes(cookie.prefix(16))
        for list in [
            keyExchange, hostKeys, ciphersClientToServer, ciphersServerToClient, macsClientToServer,
            macsServerToClient, compressionClientToServer, compressionServerToClient, [], [],
        ] {
            buffer.writeNameList(list)
        }
        buffer.writeSSHBoolean(firstPacketFollows)
        buffer.writeInteger(UInt32(0))
        return buffer
    }
}

/// The client's share: SSH_MSG_KEX_ECDH_INIT (RFC 5656 §4), SSH_MSG_KEXDH_INIT (RFC 4253 §8), whose number has the shape
/// of a string, and SSH_MSG_KEX_DH_GEX_INIT (RFC 4419 §3).
struct KeyExchangeShare {
    var share: [UInt8]

    init(share: [UInt8]) { self.share = share }

    init(_ payload: ByteBuffer) throws(ProtocolError) {
        var reader = MessageReader(payload, of: "KEX_INIT")
        share = try reader.bytes()
        try reader.end()
    }

    func encoded(_ number: MessageNumber) -> ByteBuffer {
        var buffer = ByteBuffer(message: number, capacity: share.count + 8)
        buffer.writeSSHString(share)
        return buffer
    }
}

/// The server's share and its proof, in the same three methods.
struct KeyExchangeReply {
    var hostKey: [UInt8]
    var share: [UInt8]
    var signature: [UInt8]

    init(hostKey: [UInt8], share: [UInt8], signature: [UInt8]) {
        self.hostKey = hostKey
        self.share = share
        self.signature = signature
    }

    init(_ payload: ByteBuffer) throws(ProtocolError) {
        var reader = MessageReader(payload, of: "KEX_REPLY")
        hostKey = try reader.bytes()
        share = try reader.bytes()
        signature = try reader.bytes()
        try reader.end()
    }

    func encoded(_ number: MessageNumber) -> ByteBuffer {
        var buffer = ByteBuffer(message: number, capacity: hostKey.count + share.count + signature.count + 16)
        buffer.writeSSHString(hostKey)
        buffer.writeSSHString(share)
        buffer.writeSSHString(signature)
        return buffer
    }
}
