// What a client says on a control socket: OpenSSH's multiplexing protocol, version 4 (PROTOCOL.mux in its source). A value:
// bytes in, requests out. All of it is somebody else's word.

import NIOCore
import SSH

/// One message of a client.
enum ControlRequest: Hashable {
    case hello(version: UInt32)
    /// Brings standard input, output and error.
    case session(id: UInt32, ControlSession)
    /// Brings standard input and output (`ssh -W`).
    case streams(id: UInt32, SSHForwardEndpoint)
    case alive(id: UInt32)
    case terminate(id: UInt32)
    case stopListening(id: UInt32)
    case openForward(id: UInt32, ControlForward)
    case closeForward(id: UInt32, ControlForward)
    /// Well-formed, and nothing that is done here.
    case unknown(id: UInt32)

    /// How many descriptors follow, each with a byte of its own.
    var descriptorCount: Int {
        switch self {
        case .session: 3
        case .streams: 2
        default: 0
        }
    }
}

/// What a client wants to run.
struct ControlSession: Hashable {
    var wantsTerminal: Bool
    var forwardsX11: Bool
    var forwardsAgent: Bool
    var isSubsystem: Bool
    /// nil for none.
    var escapeCharacter: UInt8?
    var terminalType: String
    /// Bytes, since a command is in whatever encoding its shell takes. Empty for the login shell.
    var command: [UInt8]
    /// "NAME=value" each.
    var environment: [String]
}

/// A forward that a client wants opened or closed.
struct ControlForward: Hashable {
    enum Kind: UInt32, Hashable {
        case local = 1
        case remote = 2
        case dynamic = 3
    }

    var kind: Kind
    /// As it goes to whoever listens: "" for a host's every interface.
    var listener: SSHForwardEndpoint
    /// nil: each connection says by SOCKS where it leads.
    var target: SSHForwardEndpoint?
}

/// Why a client is not listened to any longer.
enum ControlFault: Error, Hashable {
    /// What came is no message of the protocol.
    case malformed
    /// Longer than any message is.
    case tooLong
    /// Descriptors that nobody asked for, or not those that were.
    case descriptors
}

/// The number that stands for a unix socket where a port is expected.
private let unixSocketPort: UInt32 = 0xFFFF_FFFE

extension ControlRequest {
    /// Longer than a command with its environment; OpenSSH's own limit.
    static let maximumLength = 256 * 1024

    /// The next whole message, which is taken out; nil while it has not come whole.
    static func next(_ input: inout ByteBuffer) throws(ControlFault) -> ControlRequest? {
        guard let length = input.getInteger(at: input.readerIndex, as: UInt32.self) else { return nil }
        guard length <= maximumLength else { throw .tooLong }
        guard input.readableBytes - 4 >= Int(length) else { return nil }
        input.moveReaderIndex(forwardBy: 4)
        guard var body = input.readSlice(length: Int(length)), let request = read(&body) else { throw .malformed }
        if body.readableBytes > 0, case .unknown = request { return request }
        guard body.readableBytes == 0 else { throw .malformed }
        return request
    }

    private static func read(_ body: inout ByteBuffer) -> ControlRequest? {
        guard let (type, id) = body.readMultipleIntegers(as: (UInt32, UInt32).self) else { return nil }
        switch type {
        case 0x0000_0001:
            // Extensions, of which none exists: pairs of strings.
            while body.readableBytes > 0 { guard body.readField() != nil, body.readField() != nil else { return nil } }
            return .hello(version: id)
        case 0x1000_0002: return body.readSession().map { .session(id: id, $0) }
        case 0x1000_0004: return .alive(id: id)
        case 0x1000_0005: return .terminate(id: id)
        case 0x1000_0006, 0x1000_0007:
            guard let readable = body.readForward() else { return nil }
            guard let forward = readable else { return .unknown(id: id) }
            return type == 0x1000_0006 ? .openForward(id: id, forward) : .closeForward(id: id, forward)
        case 0x1000_0008:
            guard body.readField() != nil, let host = body.readText(), let port = body.readInteger(as: UInt32.self),
                let target = endpoint(host, port)
            else { return nil }
            return .streams(id: id, target)
        case 0x1000_0009: return .stopListening(id: id)
        default: return .unknown(id: id)
        }
    }

    /// nil for what is neither a host with a port nor a path.
    fileprivate static func endpoint(_ host: String, _ port: UInt32) -> SSHForwardEndpoint? {
        if port == unixSocketPort { return host.isEmpty ? nil : .unix(path: host) }
        guard (1...65535).contains(port), !host.isEmpty else { return nil }
        return .tcp(host: host, port: Int(port))
    }
}

extension ByteBuffer {
    /// A string of SSH's encoding.
    fileprivate mutating func readField() -> [UInt8]? {
        guard let length = readInteger(as: UInt32.self), length <= readableBytes else { return nil }
        return readBytes(length: Int(length))
    }

    /// The same without a NUL, which would end it early for whoever it goes to.
    fileprivate mutating func readText() -> String? {
        guard let bytes = readField(), !bytes.contains(0) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    private mutating func readFlag() -> Bool? { readInteger(as: UInt32.self).map { $0 != 0 } }

    fileprivate mutating func readSession() -> ControlSession? {
        guard readField() != nil, let wantsTerminal = readFlag(), let forwardsX11 = readFlag(),
            let forwardsAgent = readFlag(), let isSubsystem = readFlag(), let escape = readInteger(as: UInt32.self),
            let type = readText(), let command = readField(), !command.contains(0)
        else { return nil }
        var environment: [String] = []
        while readableBytes > 0 {
            guard let variable = readText() else { return nil }
            environment.append(variable)
        }
        return ControlSession(
            wantsTerminal: wantsTerminal, forwardsX11: forwardsX11, forwardsAgent: forwardsAgent,
            isSubsystem: isSubsystem, escapeCharacter: UInt8(exactly: escape), terminalType: type, command: command,
            environment: environment)
    }

    /// nil for what is no such message; nil within for a forward that cannot be.
    fileprivate mutating func readForward() -> ControlForward?? {
        guard let kind = readInteger(as: UInt32.self), let listenHost = readText(),
            let listenPort = readInteger(as: UInt32.self), let host = readText(),
            let port = readInteger(as: UInt32.self)
        else { return nil }
        guard let kind = ControlForward.Kind(rawValue: kind),
            let listener = kind.listener(listenHost, listenPort)
        else { return .some(nil) }
        // -D, and -R without a target, come with the port 0.
        if kind == .dynamic || kind == .remote && port == 0 {
            return ControlForward(kind: kind, listener: listener, target: nil)
        }
        guard let target = ControlRequest.endpoint(host, port) else { return .some(nil) }
        return ControlForward(kind: kind, listener: listener, target: target)
    }
}

extension ControlForward.Kind {
    /// A client says "" where its person named no address, and "*" for all of them.
    fileprivate func listener(_ host: String, _ port: UInt32) -> SSHForwardEndpoint? {
        guard port != unixSocketPort else {
            // Ours would be looked for from the shim's folder, and not from the person's.
            return host.hasPrefix("/") || self == .remote && !host.isEmpty ? .unix(path: host) : nil
        }
        guard (self == .remote ? 0...65535 : 1...65535).contains(port) else { return nil }
        let address = host.isEmpty ? "localhost" : host == "*" ? (self == .remote ? "" : "::") : host
        return .tcp(host: address, port: Int(port))
    }
}
