/// A key in an agent's list.
public struct AgentIdentity: Sendable, Hashable {
    /// The key or certificate as a blob; of a type that need not be known here.
    public var blob: [UInt8]
    public var comment: String

    public init(blob: [UInt8], comment: String) {
        self.blob = blob
        self.comment = comment
    }

    /// nil if the type is not known here.
    public var identity: PublicIdentity? { try? PublicIdentity(wire: blob) }
}

/// What an agent answers (draft-ietf-sshm-ssh-agent §4).
public enum AgentResponse: Sendable, Hashable {
    case failure
    case success
    case identities([AgentIdentity])
    /// A whole signature blob: algorithm and signature.
    case signature([UInt8])
    /// The extension is known and did not work.
    case extensionFailure
    /// The names of the extensions that the agent knows.
    case extensions([String])

    /// More than OpenSSH's agent would ever list.
    public static let maximumIdentities = 2048

    /// Reads a message.
    public init(_ message: [UInt8]) throws(SSHAgentError) {
        self = try reading { () throws(SSHKeyError) in try AgentResponse(wire: message) }
    }

    private init(wire message: [UInt8]) throws(SSHKeyError) {
        var reader = WireReader(message)
        switch try reader.uint8() {
        case AgentMessageNumber.failure: self = .failure
        case AgentMessageNumber.success:
            // Before the answer had a number of its own, names followed a plain success.
            self = reader.isAtEnd ? .success : .extensions(try Self.names(&reader))
        case AgentMessageNumber.identitiesAnswer: self = .identities(try Self.identities(&reader))
        case AgentMessageNumber.signResponse: self = .signature(try reader.string())
        case AgentMessageNumber.extensionFailure: self = .extensionFailure
        case AgentMessageNumber.extensionResponse:
            guard try reader.utf8String() == AgentExtensionName.query else {
                throw .unsupported("The agent's answer to an extension that nobody asked for")
            }
            self = .extensions(try Self.names(&reader))
        case let number: throw .malformed("the agent answers with a message of number \(number)")
        }
        try reader.expectEnd(of: "an agent's answer")
    }

    private static func identities(_ reader: inout WireReader) throws(SSHKeyError) -> [AgentIdentity] {
        let count = try reader.uint32()
        // Each takes eight bytes at least, and nothing is reserved for what is only announced.
        guard count <= maximumIdentities, Int(count) * 8 <= reader.remaining else {
            throw .malformed("the agent announces \(count) keys")
        }
        var identities: [AgentIdentity] = []
        for _ in 0..<count {
            let blob = try reader.string()
            identities.append(AgentIdentity(blob: blob, comment: String(decoding: try reader.string(), as: UTF8.self)))
        }
        return identities
    }

    private static func names(_ reader: inout WireReader) throws(SSHKeyError) -> [String] {
        var names: [String] = []
        while !reader.isAtEnd {
            guard names.count < 256 else { throw .malformed("the agent names more than 256 extensions") }
            names.append(try reader.utf8String())
        }
        return names
    }

    /// The message, without its length.
    public var encoded: [UInt8] {
        var writer = WireWriter()
        switch self {
        case .failure: writer.writeUInt8(AgentMessageNumber.failure)
        case .success: writer.writeUInt8(AgentMessageNumber.success)
        case .identities(let identities):
            writer.writeUInt8(AgentMessageNumber.identitiesAnswer)
            writer.writeUInt32(UInt32(clamping: identities.count))
            for identity in identities {
                writer.writeString(identity.blob)
                writer.writeString(identity.comment)
            }
        case .signature(let signature):
            writer.writeUInt8(AgentMessageNumber.signResponse)
            writer.writeString(signature)
        case .extensionFailure: writer.writeUInt8(AgentMessageNumber.extensionFailure)
        case .extensions(let names):
            writer.writeUInt8(AgentMessageNumber.extensionResponse)
            writer.writeString(AgentExtensionName.query)
            for name in names { writer.writeString(name) }
        }
        return writer.bytes
    }
}
