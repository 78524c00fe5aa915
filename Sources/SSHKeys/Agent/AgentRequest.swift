/// What a client asks of an agent (draft-ietf-sshm-ssh-agent §4 and §5).
public enum AgentRequest: Sendable {
    case listIdentities
    /// `key` is the blob of the key or certificate, as the list showed it.
    case sign(key: [UInt8], data: [UInt8], flags: AgentSignFlags)
    case add(AgentKey, comment: String, AgentConstraints)
    case remove(key: [UInt8])
    case removeAll
    case lock(passphrase: [UInt8])
    case unlock(passphrase: [UInt8])
    case bind(SessionBinding)
    /// Which extensions the agent knows.
    case query
    /// An extension or message that is none of the above; it is refused and the connection goes on.
    case unknown(number: UInt8)

    /// Reads a message. Throws `malformed` or `unsupported`; the agent answers both with a failure.
    public init(_ message: [UInt8]) throws(SSHAgentError) {
        self = try reading { () throws(SSHKeyError) in try AgentRequest(wire: message) }
    }

    private init(wire message: [UInt8]) throws(SSHKeyError) {
        var reader = WireReader(message)
        let number = try reader.uint8()
        switch number {
        case AgentMessageNumber.requestIdentities:
            self = .listIdentities
        case AgentMessageNumber.signRequest:
            let key = try reader.string()
            let data = try reader.string()
            self = .sign(key: key, data: data, flags: AgentSignFlags(rawValue: try reader.uint32()))
        case AgentMessageNumber.addIdentity, AgentMessageNumber.addIdentityConstrained:
            let key = try AgentKey(fields: &reader)
            let comment = try reader.utf8String()
            let isConstrained = number == AgentMessageNumber.addIdentityConstrained
            self = .add(key, comment: comment, isConstrained ? try AgentConstraints(&reader) : .none)
        case AgentMessageNumber.removeIdentity:
            self = .remove(key: try reader.string())
        case AgentMessageNumber.removeAllIdentities:
            self = .removeAll
        case AgentMessageNumber.lock:
            self = .lock(passphrase: try reader.string())
        case AgentMessageNumber.unlock:
            self = .unlock(passphrase: try reader.string())
        case AgentMessageNumber.extensionRequest:
            switch try reader.utf8String() {
            case AgentExtensionName.sessionBind: self = .bind(try SessionBinding(&reader))
            case AgentExtensionName.query: self = .query
            default:
                _ = reader.rest()
                self = .unknown(number: number)
            }
        default:
            _ = reader.rest()
            self = .unknown(number: number)
        }
        try reader.expectEnd(of: "an agent's message")
    }

    /// The message, without its length.
    public func encoded() throws(SSHAgentError) -> [UInt8] {
        try reading { () throws(SSHKeyError) in try wire() }
    }

    private func wire() throws(SSHKeyError) -> [UInt8] {
        var writer = WireWriter()
        switch self {
        case .listIdentities: writer.writeUInt8(AgentMessageNumber.requestIdentities)
        case .sign(let key, let data, let flags):
            writer.writeUInt8(AgentMessageNumber.signRequest)
            writer.writeString(key)
            writer.writeString(data)
            writer.writeUInt32(flags.rawValue)
        case .add(let key, let comment, let constraints):
            let isPlain = constraints == .none
            writer.writeUInt8(isPlain ? AgentMessageNumber.addIdentity : AgentMessageNumber.addIdentityConstrained)
            try key.writeFields(into: &writer)
            writer.writeString(comment)
            constraints.write(into: &writer)
        case .remove(let key):
            writer.writeUInt8(AgentMessageNumber.removeIdentity)
            writer.writeString(key)
        case .removeAll: writer.writeUInt8(AgentMessageNumber.removeAllIdentities)
        case .lock(let passphrase):
            writer.writeUInt8(AgentMessageNumber.lock)
            writer.writeString(passphrase)
        case .unlock(let passphrase):
            writer.writeUInt8(AgentMessageNumber.unlock)
            writer.writeString(passphrase)
        case .bind(let binding):
            writer.writeUInt8(AgentMessageNumber.extensionRequest)
            writer.writeString(AgentExtensionName.sessionBind)
            binding.write(into: &writer)
        case .query:
            writer.writeUInt8(AgentMessageNumber.extensionRequest)
            writer.writeString(AgentExtensionName.query)
        case .unknown(let number): writer.writeUInt8(number)
        }
        return writer.bytes
    }
}

/// Tells an agent which host is at the other end of a connection (OpenSSH's PROTOCOL.agent, session-bind).
public struct SessionBinding: Sendable, Hashable {
    /// The host's key or certificate, as a blob.
    public var hostKey: [UInt8]
    public var sessionID: [UInt8]
    /// The host key's signature over the session's identifier, from the key exchange.
    public var signature: [UInt8]
    /// Whether the agent is forwarded to that host, rather than used to log in there.
    public var isForwarding: Bool

    public init(hostKey: [UInt8], sessionID: [UInt8], signature: [UInt8], isForwarding: Bool) {
        self.hostKey = hostKey
        self.sessionID = sessionID
        self.signature = signature
        self.isForwarding = isForwarding
    }

    init(_ reader: inout WireReader) throws(SSHKeyError) {
        hostKey = try reader.string()
        sessionID = try reader.string()
        signature = try reader.string()
        isForwarding = try reader.boolean()
    }

    func write(into writer: inout WireWriter) {
        writer.writeString(hostKey)
        writer.writeString(sessionID)
        writer.writeString(signature)
        writer.writeBoolean(isForwarding)
    }

    /// The host's identity, if it signed the session's identifier; throws otherwise.
    func verified() throws(SSHKeyError) -> PublicIdentity {
        let identity = try PublicIdentity(wire: hostKey)
        var reader = WireReader(signature)
        let algorithm = try reader.utf8String()
        guard try identity.publicKey.verify(signature: signature, over: sessionID, algorithm: algorithm) else {
            throw .malformed("the host did not sign this session")
        }
        return identity
    }
}
