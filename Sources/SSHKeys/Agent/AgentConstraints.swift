/// What limits the use of a key in an agent (draft-ietf-sshm-ssh-agent §5.2).
public struct AgentConstraints: Sendable, Hashable {
    /// Seconds after which the agent forgets the key; nil for never.
    public var lifetime: UInt32?
    /// Somebody is asked before each signature.
    public var confirms: Bool
    /// The steps that the key may take; empty for every one.
    public var destinations: [DestinationConstraint]

    public init(lifetime: UInt32? = nil, confirms: Bool = false, destinations: [DestinationConstraint] = []) {
        self.lifetime = lifetime
        self.confirms = confirms
        self.destinations = destinations
    }

    public static let none = AgentConstraints()

    /// Reads to the end of the message. What is not understood refuses the key: a constraint that is passed over would
    /// leave a key freer than its owner meant it to be.
    init(_ reader: inout WireReader) throws(SSHKeyError) {
        self.init()
        var hasDestinations = false
        while !reader.isAtEnd {
            switch try reader.uint8() {
            case AgentMessageNumber.constrainLifetime:
                guard lifetime == nil else { throw .malformed("a key has two lifetimes") }
                lifetime = try reader.uint32()
            case AgentMessageNumber.constrainConfirm:
                guard !confirms else { throw .malformed("a key is to be confirmed twice") }
                confirms = true
            case AgentMessageNumber.constrainExtension:
                let name = try reader.utf8String()
                guard name == AgentExtensionName.restrictDestination else {
                    throw .unsupported("The constraint “\(Printable.text(name))”", hint: "Add the key without it.")
                }
                guard !hasDestinations else { throw .malformed("a key has two lists of destinations") }
                hasDestinations = true
                destinations = try DestinationConstraint.list(try reader.string())
                // Nothing allowed is not the same as everything allowed.
                guard !destinations.isEmpty else { throw .malformed("a key has an empty list of destinations") }
            case let number:
                throw .unsupported("The constraint \(number)", hint: "Add the key without it.")
            }
        }
    }

    func write(into writer: inout WireWriter) {
        if let lifetime {
            writer.writeUInt8(AgentMessageNumber.constrainLifetime)
            writer.writeUInt32(lifetime)
        }
        if confirms { writer.writeUInt8(AgentMessageNumber.constrainConfirm) }
        if !destinations.isEmpty {
            writer.writeUInt8(AgentMessageNumber.constrainExtension)
            writer.writeString(AgentExtensionName.restrictDestination)
            writer.writeString(DestinationConstraint.encode(destinations))
        }
    }
}
