// Messages of the connection protocol: RFC 4254.

import NIOCore

/// SSH_MSG_GLOBAL_REQUEST (RFC 4254 §4).
struct GlobalRequest {
    static let keepalive = "keepalive@openssh.com"

    var name: String
    var wantsReply: Bool
    /// What belongs to the request's kind.
    var body = ByteBuffer()

    init(name: String, wantsReply: Bool) {
        self.name = name
        self.wantsReply = wantsReply
    }

    /// What follows the two fields belongs to the request and is not ours to judge.
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

/// SSH_MSG_CHANNEL_OPEN (RFC 4254 §5.1).
struct ChannelOpen {
    var type: String
    var sender: UInt32
    var window: UInt32
    var maximumPacket: UInt32

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

/// SSH_MSG_CHANNEL_OPEN_CONFIRMATION (RFC 4254 §5.1).
struct ChannelOpenConfirmation {
    var recipient: UInt32
    var sender: UInt32
    var window: UInt32
    var maximumPacket: UInt32

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
    static let administrativelyProhibited: UInt32 = 1

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

    var encoded: ByteBuffer {
        var buffer = ByteBuffer(message: .channelWindowAdjust, capacity: 16)
        buffer.writeInteger(recipient)
        buffer.writeInteger(bytes)
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

/// SSH_MSG_CHANNEL_REQUEST (RFC 4254 §5.4).
struct ChannelRequest {
    var recipient: UInt32
    var type: String
    var wantsReply: Bool
    /// What belongs to the type, not parsed yet.
    var body: MessageReader

    init(_ payload: ByteBuffer) throws(ProtocolError) {
        var reader = MessageReader(payload, of: "CHANNEL_REQUEST")
        recipient = try reader.uint32()
        type = try reader.text()
        wantsReply = try reader.boolean()
        body = reader
    }
}

/// What a client asks of a session channel (RFC 4254 §6).
public enum SessionRequest: Sendable, Hashable {
    /// pty-req (§6.2); columns × rows in characters.
    case terminal(type: String, columns: UInt32, rows: UInt32, modes: TerminalModes)
    /// env (§6.4).
    case environment(name: String, value: String)
    /// shell (§6.5).
    case shell
    /// exec (§6.5), interpreted by the user's shell.
    case exec([UInt8])
    /// subsystem (§6.5).
    case subsystem(String)
    /// window-change (§6.7); never answered.
    case windowChange(columns: UInt32, rows: UInt32)
    /// signal (§6.9), without "SIG"; never answered.
    case signal(String)

    var type: String {
        switch self {
        case .terminal: "pty-req"
        case .environment: "env"
        case .shell: "shell"
        case .exec: "exec"
        case .subsystem: "subsystem"
        case .windowChange: "window-change"
        case .signal: "signal"
        }
    }

    func encoded(recipient: UInt32, wantsReply: Bool) -> ByteBuffer {
        var buffer = ByteBuffer(message: .channelRequest, capacity: 128)
        buffer.writeInteger(recipient)
        buffer.writeSSHString(type)
        buffer.writeSSHBoolean(wantsReply)
        switch self {
        case .terminal(let type, let columns, let rows, let modes):
            buffer.writeSSHString(type)
            buffer.writeInteger(columns)
            buffer.writeInteger(rows)
            // Pixels are unknown (§6.2: zero means ignore).
            buffer.writeInteger(UInt64(0))
            buffer.writeSSHString(modes.encoded)
        case .environment(let name, let value):
            buffer.writeSSHString(name)
            buffer.writeSSHString(value)
        case .shell:
            break
        case .exec(let command):
            buffer.writeSSHString(command)
        case .subsystem(let name), .signal(let name):
            buffer.writeSSHString(name)
        case .windowChange(let columns, let rows):
            buffer.writeInteger(columns)
            buffer.writeInteger(rows)
            buffer.writeInteger(UInt64(0))
        }
        return buffer
    }
}
