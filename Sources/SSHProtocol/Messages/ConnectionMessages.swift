// Messages of the connection protocol: RFC 4254.

import NIOCore

/// SSH_MSG_GLOBAL_REQUEST (RFC 4254 §4).
struct GlobalRequest {
    static let keepalive = "keepalive@openssh.com"
    static let noMoreSessions = "no-more-sessions@openssh.com"

    var name: String
    var wantsReply: Bool
    /// What belongs to the request's kind.
    var body = ByteBuffer()

    init(name: String, wantsReply: Bool) {
        self.name = name
        self.wantsReply = wantsReply
    }

    init(_ payload: ByteBuffer) throws(ProtocolError) {
        var reader = MessageReader(payload, of: "GLOBAL_REQUEST")
        name = try reader.text()
        wantsReply = try reader.boolean()
        body = reader.rest
    }

    var encoded: ByteBuffer {
        var buffer = ByteBuffer(message: .globalRequest)
        buffer.writeSSHString(name)
        buffer.writeSSHBoolean(wantsReply)
        return buffer
    }
}

extension RemoteForward {
    /// The request for it, or for its end, which wants an answer.
    func encoded(cancels: Bool) -> ByteBuffer {
        switch self {
        case .tcp(let address):
            var buffer = GlobalRequest(name: cancels ? "cancel-tcpip-forward" : "tcpip-forward", wantsReply: true)
                .encoded
            buffer.writeSSHString(address.host)
            buffer.writeInteger(address.port)
            return buffer
        case .unix(let path):
            let name = cancels ? "cancel-streamlocal-forward@openssh.com" : "streamlocal-forward@openssh.com"
            var buffer = GlobalRequest(name: name, wantsReply: true).encoded
            buffer.writeSSHString(path)
            return buffer
        }
    }
}

extension InboundGlobalRequest.Kind {
    /// nil for a request that is not one of these, or that does not parse.
    init?(_ request: GlobalRequest) {
        var body = MessageReader(request.body, of: "GLOBAL_REQUEST")
        do throws(ProtocolError) {
            switch request.name {
            case "tcpip-forward": self = .forward(.tcp(try TCPAddress(&body)))
            case "cancel-tcpip-forward": self = .cancelForward(.tcp(try TCPAddress(&body)))
            case "streamlocal-forward@openssh.com": self = .forward(.unix(path: try body.text()))
            case "cancel-streamlocal-forward@openssh.com": self = .cancelForward(.unix(path: try body.text()))
            default: return nil
            }
            try body.end()
        } catch {
            return nil
        }
        // The field has 32 bits, a port 16.
        if case .forward(.tcp(let address)) = self, address.port > 65535 { return nil }
    }
}

/// SSH_MSG_CHANNEL_OPEN (RFC 4254 §5.1).
struct ChannelOpen {
    var type: String
    var sender: UInt32
    var window: UInt32
    var maximumPacket: UInt32
    /// What belongs to the type, not parsed yet.
    var body: MessageReader?

    init(type: String, sender: UInt32, window: UInt32, maximumPacket: UInt32) {
        self.type = type
        self.sender = sender
        self.window = window
        self.maximumPacket = maximumPacket
    }

    init(_ payload: ByteBuffer) throws(ProtocolError) {
        var reader = MessageReader(payload, of: "CHANNEL_OPEN")
        type = try reader.text()
        sender = try reader.uint32()
        window = try reader.uint32()
        maximumPacket = try reader.uint32()
        body = reader
    }

    var encoded: ByteBuffer {
        var buffer = ByteBuffer(message: .channelOpen)
        buffer.writeSSHString(type)
        buffer.writeInteger(sender)
        buffer.writeInteger(window)
        buffer.writeInteger(maximumPacket)
        return buffer
    }
}

extension TCPAddress {
    init(_ reader: inout MessageReader) throws(ProtocolError) {
        host = try reader.text()
        port = try reader.uint32()
    }
}

extension ChannelOpenRequest {
    var type: String {
        switch self {
        case .session: "session"
        case .directTCPIP: "direct-tcpip"
        case .forwardedTCPIP: "forwarded-tcpip"
        case .directStreamLocal: "direct-streamlocal@openssh.com"
        case .forwardedStreamLocal: "forwarded-streamlocal@openssh.com"
        case .agent: "auth-agent@openssh.com"
        case .x11: "x11"
        }
    }

    /// nil for a type that we do not know.
    init?(_ open: ChannelOpen) throws(ProtocolError) {
        var body = open.body ?? MessageReader(ByteBuffer(), of: "CHANNEL_OPEN")
        switch open.type {
        // Nothing follows a session's fields; what some clients send there all the same is not ours to judge.
        case "session": self = .session
        case "direct-tcpip":
            self = .directTCPIP(target: try TCPAddress(&body), originator: try TCPAddress(&body))
        case "forwarded-tcpip":
            self = .forwardedTCPIP(connected: try TCPAddress(&body), originator: try TCPAddress(&body))
        // Two reserved fields follow the path; nobody has given them a meaning.
        case "direct-streamlocal@openssh.com": self = .directStreamLocal(path: try body.text())
        case "forwarded-streamlocal@openssh.com": self = .forwardedStreamLocal(path: try body.text())
        case "auth-agent@openssh.com": self = .agent
        case "x11": self = .x11(originator: try TCPAddress(&body))
        default: return nil
        }
    }

    /// Whether its port can be one: the field has 32 bits.
    var isPossible: Bool {
        switch self {
        case .directTCPIP(let address, _): (1...65535).contains(address.port)
        default: true
        }
    }

    func encoded(sender: UInt32, window: UInt32, maximumPacket: UInt32) -> ByteBuffer {
        var buffer = ChannelOpen(type: type, sender: sender, window: window, maximumPacket: maximumPacket).encoded
        switch self {
        case .session, .agent:
            break
        case .directTCPIP(let address, let originator), .forwardedTCPIP(let address, let originator):
            for end in [address, originator] {
                buffer.writeSSHString(end.host)
                buffer.writeInteger(end.port)
            }
        case .directStreamLocal(let path):
            buffer.writeSSHString(path)
            buffer.writeSSHString("")
            buffer.writeInteger(UInt32(0))
        case .forwardedStreamLocal(let path):
            buffer.writeSSHString(path)
            buffer.writeSSHString("")
        case .x11(let originator):
            buffer.writeSSHString(originator.host)
            buffer.writeInteger(originator.port)
        }
        return buffer
    }
}

/// SSH_MSG_CHANNEL_OPEN_CONFIRMATION (RFC 4254 §5.1).
struct ChannelOpenConfirmation {
    var recipient: UInt32
    var sender: UInt32
    var window: UInt32
    var maximumPacket: UInt32

    init(recipient: UInt32, sender: UInt32, window: UInt32, maximumPacket: UInt32) {
        self.recipient = recipient
        self.sender = sender
        self.window = window
        self.maximumPacket = maximumPacket
    }

    var encoded: ByteBuffer {
        var buffer = ByteBuffer(message: .channelOpenConfirmation, capacity: 32)
        for value in [recipient, sender, window, maximumPacket] { buffer.writeInteger(value) }
        return buffer
    }

    init(_ payload: ByteBuffer) throws(ProtocolError) {
        var reader = MessageReader(payload, of: "CHANNEL_OPEN_CONFIRMATION")
        recipient = try reader.uint32()
        sender = try reader.uint32()
        window = try reader.uint32()
        maximumPacket = try reader.uint32()
    }
}

/// SSH_MSG_CHANNEL_OPEN_FAILURE (RFC 4254 §5.1).
struct ChannelOpenFailure {
    var recipient: UInt32
    var reason: UInt32
    var description: String

    init(recipient: UInt32, reason: UInt32, description: String) {
        self.recipient = recipient
        self.reason = reason
        self.description = description
    }

    init(_ payload: ByteBuffer) throws(ProtocolError) {
        var reader = MessageReader(payload, of: "CHANNEL_OPEN_FAILURE")
        recipient = try reader.uint32()
        reason = try reader.uint32()
        // Old servers leave out the words; they are only shown.
        description = (try? reader.text()) ?? ""
    }

    var encoded: ByteBuffer {
        var buffer = ByteBuffer(message: .channelOpenFailure)
        buffer.writeInteger(recipient)
        buffer.writeInteger(reason)
        buffer.writeSSHString(description)
        buffer.writeSSHString("")
        return buffer
    }
}

/// SSH_MSG_CHANNEL_WINDOW_ADJUST (RFC 4254 §5.2).
struct ChannelWindowAdjust {
    var recipient: UInt32
    var bytes: UInt32

    init(recipient: UInt32, bytes: UInt32) {
        self.recipient = recipient
        self.bytes = bytes
    }

    init(_ payload: ByteBuffer) throws(ProtocolError) {
        var reader = MessageReader(payload, of: "CHANNEL_WINDOW_ADJUST")
        recipient = try reader.uint32()
        bytes = try reader.uint32()
        try reader.end()
    }

    func write(to buffer: inout ByteBuffer) {
        buffer.writeInteger(MessageNumber.channelWindowAdjust.rawValue)
        buffer.writeInteger(recipient)
        buffer.writeInteger(bytes)
    }

    var encoded: ByteBuffer {
        var buffer = ByteBuffer()
        write(to: &buffer)
        return buffer
    }
}

/// SSH_MSG_CHANNEL_DATA and SSH_MSG_CHANNEL_EXTENDED_DATA (RFC 4254 §5.2).
struct ChannelData {
    var recipient: UInt32
    /// nil for plain data, else the extended data type.
    var type: UInt32?
    var data: ByteBuffer

    init(_ payload: ByteBuffer, isExtended: Bool) throws(ProtocolError) {
        var reader = MessageReader(payload, of: "CHANNEL_DATA")
        recipient = try reader.uint32()
        type = isExtended ? try reader.uint32() : nil
        data = try reader.slice()
        try reader.end()
    }
}

/// The messages that carry nothing but a recipient: EOF, CLOSE, SUCCESS and FAILURE (RFC 4254 §5.3-5.4).
struct ChannelNotice {
    var recipient: UInt32

    init(recipient: UInt32) { self.recipient = recipient }

    init(_ payload: ByteBuffer) throws(ProtocolError) {
        var reader = MessageReader(payload, of: "channel")
        recipient = try reader.uint32()
        try reader.end()
    }

    func encoded(_ number: MessageNumber) -> ByteBuffer {
        var buffer = ByteBuffer(message: number, capacity: 8)
        buffer.writeInteger(recipient)
        return buffer
    }
}
