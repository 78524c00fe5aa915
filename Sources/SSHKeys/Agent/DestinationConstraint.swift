/// One step that a key may take from host to host (OpenSSH's PROTOCOL.agent, restrict-destination-v00).
public struct DestinationConstraint: Sendable, Hashable {
    /// One end of the step.
    public struct Hop: Sendable, Hashable {
        /// A pattern of the user names; nil allows every one. Only where the step goes to.
        public var user: String?
        /// The host's name: shown to people, and compared with the names in host certificates.
        public var hostName: String
        public var keys: [HostKey]

        public init(user: String? = nil, hostName: String, keys: [HostKey]) {
            self.user = user
            self.hostName = hostName
            self.keys = keys
        }
    }

    /// A key that the host shows, or an authority that certifies it.
    public struct HostKey: Sendable, Hashable {
        public var key: SSHPublicKey
        public var isAuthority: Bool

        public init(_ key: SSHPublicKey, isAuthority: Bool = false) {
            self.key = key
            self.isAuthority = isAuthority
        }
    }

    /// As many as OpenSSH takes.
    public static let maximumCount = 1024

    /// nil is the machine of the agent itself.
    public var from: Hop?
    public var to: Hop

    public init(from: Hop? = nil, to: Hop) {
        self.from = from
        self.to = to
    }
}

// MARK: Wire format

extension DestinationConstraint {
    /// Reads the content of the extension: one string for each constraint.
    static func list(_ bytes: [UInt8]) throws(SSHKeyError) -> [DestinationConstraint] {
        var reader = WireReader(bytes)
        var list: [DestinationConstraint] = []
        while !reader.isAtEnd {
            guard list.count < maximumCount else { throw .unsupported("A key with more than \(maximumCount) steps") }
            list.append(try DestinationConstraint(wire: try reader.string()))
        }
        return list
    }

    static func encode(_ list: [DestinationConstraint]) -> [UInt8] {
        var writer = WireWriter()
        for constraint in list { writer.writeString(constraint.encoded) }
        return writer.bytes
    }

    private init(wire bytes: [UInt8]) throws(SSHKeyError) {
        var reader = WireReader(bytes)
        let from = try Self.hop(try reader.string())
        let to = try Self.hop(try reader.string())
        guard try reader.string().isEmpty else { throw .unsupported("An extension of a destination constraint") }
        try reader.expectEnd(of: "a destination constraint")
        // What OpenSSH refuses too: a start that is half named, and an end that nobody could reach.
        guard from.hostName.isEmpty == from.keys.isEmpty, from.user == nil else {
            throw .malformed("a destination constraint has a start that contradicts itself")
        }
        guard !to.hostName.isEmpty, !to.keys.isEmpty else {
            throw .malformed("a destination constraint does not say where to")
        }
        self.from = from.hostName.isEmpty ? nil : from
        self.to = to
    }

    private static func hop(_ bytes: [UInt8]) throws(SSHKeyError) -> Hop {
        var reader = WireReader(bytes)
        let user = try reader.utf8String()
        let hostName = try reader.utf8String()
        guard try reader.string().isEmpty else { throw .unsupported("An extension of a destination constraint") }
        guard !user.utf8.contains(0), !hostName.utf8.contains(0) else { throw .malformed("a name holds a zero byte") }
        var keys: [HostKey] = []
        while !reader.isAtEnd {
            guard keys.count < maximumCount else { throw .unsupported("A host with more than \(maximumCount) keys") }
            let key = try SSHPublicKey(wire: try reader.string())
            keys.append(HostKey(key, isAuthority: try reader.boolean()))
        }
        return Hop(user: user.isEmpty ? nil : user, hostName: hostName, keys: keys)
    }

    private var encoded: [UInt8] {
        var writer = WireWriter()
        writer.writeString(Self.encode(from))
        writer.writeString(Self.encode(to))
        writer.writeString("")
        return writer.bytes
    }

    private static func encode(_ hop: Hop?) -> [UInt8] {
        var writer = WireWriter()
        writer.writeString(hop?.user ?? "")
        writer.writeString(hop?.hostName ?? "")
        writer.writeString("")
        for key in hop?.keys ?? [] {
            writer.writeString(key.key.blob)
            writer.writeBoolean(key.isAuthority)
        }
        return writer.bytes
    }
}

// MARK: The rule

extension DestinationConstraint.Hop {
    /// Whether a host that proved `identity` is this one.
    ///
    /// - Parameter now: Seconds since 1970, for certificates.
    func matches(_ identity: PublicIdentity, now: UInt64) -> Bool {
        keys.contains { key in
            switch identity {
            case .key(let shown):
                return !key.isAuthority && key.key == shown
            case .certificate(let certificate):
                guard key.isAuthority, certificate.signatureKey == key.key else { return false }
                do throws(SSHKeyError) {
                    try certificate.check(as: .host, principal: hostName, now: now) { $0 == key.key }
                    return true
                } catch { return false }
            }
        }
    }
}

extension [DestinationConstraint] {
    /// Whether one of them allows the step.
    ///
    /// - Parameters:
    ///   - start: nil for the agent's own machine.
    ///   - end: nil asks for a step to anywhere.
    ///   - user: nil leaves the user open.
    func allow(
        from start: PublicIdentity?, to end: PublicIdentity?, user: String?, now: UInt64
    ) -> DestinationConstraint? {
        first { constraint in
            switch (start, constraint.from) {
            case (nil, nil): break
            case (let start?, let hop?): guard hop.matches(start, now: now) else { return false }
            default: return false
            }
            if let end, !constraint.to.matches(end, now: now) { return false }
            if let user, let pattern = constraint.to.user, !NamePattern.matches(user, pattern) { return false }
            return true
        }
    }
}
