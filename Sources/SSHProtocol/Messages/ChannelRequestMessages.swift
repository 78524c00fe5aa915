// Requests on a channel: RFC 4254 §5.4 and §6, RFC 4335, OpenSSH's PROTOCOL §2.1.

import NIOCore

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

/// What one end asks of, or tells about, a session channel (RFC 4254 §6).
public enum SessionRequest: Sendable, Hashable {
    /// pty-req (§6.2); columns × rows in characters, width × height in pixels, where 0 means unknown.
    case terminal(
        type: String, columns: UInt32, rows: UInt32, width: UInt32 = 0, height: UInt32 = 0, modes: TerminalModes)
    /// env (§6.4).
    case environment(name: String, value: String)
    /// shell (§6.5).
    case shell
    /// exec (§6.5), interpreted by the user's shell.
    case exec([UInt8])
    /// subsystem (§6.5).
    case subsystem(String)
    /// window-change (§6.7); never answered.
    case windowChange(columns: UInt32, rows: UInt32, width: UInt32 = 0, height: UInt32 = 0)
    /// signal (§6.9), without "SIG"; never answered.
    case signal(String)
    /// break (RFC 4335): its length in milliseconds, where 0 leaves it to the device.
    case breakSignal(milliseconds: UInt32)
    /// x11-req (§6.3.1).
    case x11(X11Request)
    /// auth-agent-req@openssh.com.
    case agentForwarding
    /// exit-status (§6.10); from server to client.
    case exitStatus(UInt32)
    /// exit-signal (§6.10); from server to client.
    case exitSignal(ExitSignal)

    var type: String {
        switch self {
        case .terminal: "pty-req"
        case .environment: "env"
        case .shell: "shell"
        case .exec: "exec"
        case .subsystem: "subsystem"
        case .windowChange: "window-change"
        case .signal: "signal"
        case .breakSignal: "break"
        case .x11: "x11-req"
        case .agentForwarding: "auth-agent-req@openssh.com"
        case .exitStatus: "exit-status"
        case .exitSignal: "exit-signal"
        }
    }

    /// The peer reads no more of our data (OpenSSH's PROTOCOL §2.1).
    static let endOfWrite = "eow@openssh.com"

    /// Whether a peer in this role may send it.
    func mayBeSent(by role: ConnectionRole) -> Bool {
        switch self {
        case .exitStatus, .exitSignal: role == .server
        default: role == .client
        }
    }

    // MARK: Writing

    static func header(_ type: String, recipient: UInt32, wantsReply: Bool) -> ByteBuffer {
        var buffer = ByteBuffer(message: .channelRequest, capacity: 128)
        buffer.writeInteger(recipient)
        buffer.writeSSHString(type)
        buffer.writeSSHBoolean(wantsReply)
        return buffer
    }

    func encoded(recipient: UInt32, wantsReply: Bool) -> ByteBuffer {
        var buffer = Self.header(type, recipient: recipient, wantsReply: wantsReply)
        switch self {
        case .terminal(let type, let columns, let rows, let width, let height, let modes):
            buffer.writeSSHString(type)
            for value in [columns, rows, width, height] { buffer.writeInteger(value) }
            buffer.writeSSHString(modes.encoded)
        case .environment(let name, let value):
            buffer.writeSSHString(name)
            buffer.writeSSHString(value)
        case .shell, .agentForwarding:
            break
        case .exec(let command):
            buffer.writeSSHString(command)
        case .subsystem(let name), .signal(let name):
            buffer.writeSSHString(name)
        case .windowChange(let columns, let rows, let width, let height):
            for value in [columns, rows, width, height] { buffer.writeInteger(value) }
        case .breakSignal(let value), .exitStatus(let value):
            buffer.writeInteger(value)
        case .x11(let x11):
            buffer.writeSSHBoolean(x11.isSingle)
            buffer.writeSSHString(x11.protocolName)
            buffer.writeSSHString(x11.cookie)
            buffer.writeInteger(x11.screen)
        case .exitSignal(let signal):
            buffer.writeSSHString(signal.name)
            buffer.writeSSHBoolean(signal.coreDumped)
            buffer.writeSSHString(signal.message)
            buffer.writeSSHString("")
        }
        return buffer
    }

    // MARK: Reading

    /// nil for a request that we do not know.
    init?(_ request: ChannelRequest) throws(ProtocolError) {
        var body = request.body
        var known = try Self.starting(request.type, &body)
        if known == nil { known = try Self.running(request.type, &body) }
        guard let known else { return nil }
        try body.end()
        self = known
    }

    /// What comes before a program runs, and starts it.
    private static func starting(
        _ type: String, _ body: inout MessageReader
    ) throws(ProtocolError) -> SessionRequest? {
        switch type {
        case "pty-req":
            let terminal = try body.text()
            let columns = try body.uint32()
            let rows = try body.uint32()
            let width = try body.uint32()
            let height = try body.uint32()
            guard let modes = TerminalModes(encoded: try body.bytes()) else { return nil }
            return .terminal(
                type: terminal, columns: columns, rows: rows, width: width, height: height, modes: modes)
        case "env": return .environment(name: try body.text(), value: try body.text())
        case "shell": return .shell
        case "exec": return .exec(try body.bytes())
        case "subsystem": return .subsystem(try body.text())
        case "x11-req":
            return .x11(
                X11Request(
                    isSingle: try body.boolean(), protocolName: try body.text(), cookie: try body.text(),
                    screen: try body.uint32()))
        case "auth-agent-req@openssh.com": return .agentForwarding
        default: return nil
        }
    }

    /// What concerns a program that runs, or has ended.
    private static func running(
        _ type: String, _ body: inout MessageReader
    ) throws(ProtocolError) -> SessionRequest? {
        switch type {
        case "window-change":
            return .windowChange(
                columns: try body.uint32(), rows: try body.uint32(), width: try body.uint32(),
                height: try body.uint32())
        case "signal":
            let name = try body.asciiName()
            return (1...64).contains(name.utf8.count) ? .signal(name) : nil
        case "break": return .breakSignal(milliseconds: try body.uint32())
        case "exit-status": return .exitStatus(try body.uint32())
        case "exit-signal":
            let name = try body.asciiName()
            guard (1...64).contains(name.utf8.count) else { return nil }
            let coreDumped = try body.boolean()
            let message = try body.text()
            // The language tag says nothing, and some servers leave it out.
            if body.remaining > 0 { _ = try body.slice() }
            return .exitSignal(ExitSignal(name: name, coreDumped: coreDumped, message: String(message.prefix(1024))))
        default: return nil
        }
    }
}
