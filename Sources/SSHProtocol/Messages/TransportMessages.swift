// Messages of the transport layer: RFC 4253 §10-11, RFC 8308 §2.3, OpenSSH's PROTOCOL §1.9.

import NIOCore

/// SSH_MSG_DISCONNECT (RFC 4253 §11.1).
struct Disconnect {
    var reason: DisconnectReason
    var description: String

    init(reason: DisconnectReason, description: String) {
        self.reason = reason
        self.description = description
    }

    /// Lenient on purpose: the connection ends in any case, and the words help whoever reads them.
    init(_ payload: ByteBuffer) {
        var reader = MessageReader(payload, of: "DISCONNECT")
        reason = DisconnectReason(rawValue: (try? reader.uint32()) ?? 0)
        description = (try? reader.text()) ?? ""
    }

    var encoded: ByteBuffer {
        var buffer = ByteBuffer(message: .disconnect)
        buffer.writeInteger(reason.rawValue)
        buffer.writeSSHString(description)
        buffer.writeSSHString("")
        return buffer
    }
}

/// SSH_MSG_UNIMPLEMENTED (RFC 4253 §11.4).
struct Unimplemented {
    var sequenceNumber: UInt32

    var encoded: ByteBuffer {
        var buffer = ByteBuffer(message: .unimplemented, capacity: 8)
        buffer.writeInteger(sequenceNumber)
        return buffer
    }
}

/// SSH_MSG_SERVICE_REQUEST and SSH_MSG_SERVICE_ACCEPT (RFC 4253 §10).
struct ServiceName {
    static let userAuth = "ssh-userauth"
    static let connection = "ssh-connection"

    var name: String

    init(_ name: String) { self.name = name }

    init(_ payload: ByteBuffer) throws(ProtocolError) {
        var reader = MessageReader(payload, of: "SERVICE_ACCEPT")
        name = try reader.asciiName()
        try reader.end()
    }

    var request: ByteBuffer {
        var buffer = ByteBuffer(message: .serviceRequest)
        buffer.writeSSHString(name)
        return buffer
    }
}

/// SSH_MSG_EXT_INFO (RFC 8308 §2.3).
struct ExtensionInfo {
    /// Signature algorithms the server accepts for public key authentication (RFC 8308 §3.1).
    var serverSignatureAlgorithms: [String]?

    init(_ payload: ByteBuffer) throws(ProtocolError) {
        var reader = MessageReader(payload, of: "EXT_INFO")
        let count = try reader.uint32()
        // Each extension takes at least two length fields.
        guard count <= reader.remaining / 8 else {
            throw .malformed("The host announced more extensions than its message holds.")
        }
        for _ in 0..<count {
            let name = try reader.text()
            let value = try reader.slice()
            guard name == "server-sig-algs" else { continue }
            serverSignatureAlgorithms = String(buffer: value).split(separator: ",").map(String.init)
        }
        try reader.end()
    }
}
