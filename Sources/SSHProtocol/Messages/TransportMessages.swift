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
        var reader = MessageReader(payload, of: "SERVICE")
        name = try reader.asciiName()
        try reader.end()
    }

    var request: ByteBuffer { encoded(.serviceRequest) }

    var accept: ByteBuffer { encoded(.serviceAccept) }

    private func encoded(_ number: MessageNumber) -> ByteBuffer {
        var buffer = ByteBuffer(message: number)
        buffer.writeSSHString(name)
        return buffer
    }
}

/// SSH_MSG_EXT_INFO (RFC 8308 §2.3).
struct ExtensionInfo {
    /// Signature algorithms the server accepts for public key authentication (RFC 8308 §3.1).
    var serverSignatureAlgorithms: [String]?
    /// publickey-hostbound@openssh.com: the server knows the method that binds a signature to its host key.
    var supportsHostbound = false
    /// ping@openssh.com: the sender answers pings.
    var supportsPing = false
    /// ext-info-in-auth@openssh.com: the client takes another EXT_INFO during authentication.
    var acceptsDuringAuthentication = false

    private enum Name {
        static let signatureAlgorithms = "server-sig-algs"
        static let hostbound = "publickey-hostbound@openssh.com"
        static let ping = "ping@openssh.com"
        static let duringAuthentication = "ext-info-in-auth@openssh.com"
    }

    init() {}

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
            switch name {
            case Name.signatureAlgorithms:
                serverSignatureAlgorithms = String(buffer: value).split(separator: ",").map(String.init)
            // OpenSSH's PROTOCOL: the value is the version, and another one means another thing.
            case Name.hostbound: supportsHostbound = String(buffer: value) == "0"
            case Name.ping: supportsPing = String(buffer: value) == "0"
            case Name.duringAuthentication: acceptsDuringAuthentication = String(buffer: value) == "0"
            default: break
            }
        }
        try reader.end()
    }

    var encoded: ByteBuffer {
        var extensions: [(name: String, value: String)] = []
        if let serverSignatureAlgorithms {
            extensions.append((Name.signatureAlgorithms, serverSignatureAlgorithms.joined(separator: ",")))
        }
        if supportsHostbound { extensions.append((Name.hostbound, "0")) }
        if supportsPing { extensions.append((Name.ping, "0")) }
        if acceptsDuringAuthentication { extensions.append((Name.duringAuthentication, "0")) }
        var buffer = ByteBuffer(message: .extensionInfo, capacity: 512)
        buffer.writeInteger(UInt32(truncatingIfNeeded: extensions.count))
        for (name, value) in extensions {
            buffer.writeSSHString(name)
            buffer.writeSSHString(value)
        }
        return buffer
    }
}

/// SSH_MSG_PING and SSH_MSG_PONG (OpenSSH's PROTOCOL §1.9).
struct Ping {
    var data: [UInt8]

    init(data: [UInt8]) { self.data = data }

    init(_ payload: ByteBuffer) throws(ProtocolError) {
        var reader = MessageReader(payload, of: "PING")
        data = try reader.bytes()
        try reader.end()
    }

    func encoded(_ number: MessageNumber) -> ByteBuffer {
        var buffer = ByteBuffer(message: number, capacity: data.count + 8)
        buffer.writeSSHString(data)
        return buffer
    }
}
