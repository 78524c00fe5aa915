import Policy
import SSHKeys

/// A host's kind, shown by colour and by name.
public enum HostEnvironment: String, Sendable, Codable, CaseIterable {
    case production
    case staging
    case development
    case other
}

/// A host key as people compare it.
public struct HostKeyView: Sendable, Codable, Hashable {
    public let algorithm: String
    public let fingerprint: String
    public let randomart: String

    init(_ key: SSHPublicKey) {
        algorithm = key.algorithm
        fingerprint = key.fingerprint
        randomart = key.randomart
    }

    /// For the details of an error.
    var detail: DetailValue {
        .object([
            "algorithm": .string(algorithm), "fingerprint": .string(fingerprint), "randomart": .string(randomart),
        ])
    }
}

/// A host as the faces show it.
public struct HostView: Sendable, Codable {
    /// The recorded key, and who confirmed it.
    public struct RecordedKey: Sendable, Codable {
        public let algorithm: String
        public let fingerprint: String
        public let randomart: String
        public let verifiedAt: String
        public let verifiedBy: String
    }
    /// How the copilot signs in at the host.
    public struct Credential: Sendable, Codable {
        public let kind: String
        public let fingerprint: String?
    }
    /// Another key than the recorded one was offered: nothing connects until somebody decides.
    public struct KeyAlert: Sendable, Codable {
        public let offeredAlgorithm: String
        public let offeredFingerprint: String
        public let offeredRandomart: String
        public let seenAt: String
    }
    /// What the person who asks may do here.
    public struct May: Sendable, Codable {
        public let connect: Bool
        public let type: Bool
        public let edit: Bool
    }

    public let id: String
    public let alias: String
    public let address: String
    public let port: Int
    public let username: String
    public let environment: HostEnvironment
    public let purpose: String
    public let tags: [String]
    public let hostKey: RecordedKey
    public let credential: Credential
    public let keyAlert: KeyAlert?
    public let lastUsedAt: String?
    /// nil where nobody can know: in a process beside the copilot that has them.
    public var activeSessions: Int?
    public let may: May
    public let demonstration: Bool
    /// One of the favourites of the person who asks.
    public let favourite: Bool

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(id, forKey: .id)
        try container.encode(alias, forKey: .alias)
        try container.encode(address, forKey: .address)
        try container.encode(port, forKey: .port)
        try container.encode(username, forKey: .username)
        try container.encode(environment, forKey: .environment)
        try container.encode(purpose, forKey: .purpose)
        try container.encode(tags, forKey: .tags)
        try container.encode(hostKey, forKey: .hostKey)
        try container.encode(credential, forKey: .credential)
        try container.encode(keyAlert, forKey: .keyAlert)
        try container.encode(lastUsedAt, forKey: .lastUsedAt)
        try container.encodeIfPresent(activeSessions, forKey: .activeSessions)
        try container.encode(may, forKey: .may)
        try container.encode(demonstration, forKey: .demonstration)
        try container.encode(favourite, forKey: .favourite)
    }
}

/// What a probe of an address found.
public struct HostProbe: Sendable, Codable {
    public struct Key: Sendable, Codable {
        public let algorithm: String
        public let publicKey: String
        public let fingerprint: String
        public let randomart: String
    }
    public struct Known: Sendable, Codable {
        public let alias: String
    }

    public let probeId: String
    public let address: String
    public let port: Int
    public let resolvedAddress: String
    public let serverIdentification: String
    public let hostKey: Key
    /// Hosts that are already here with this key.
    public let known: [Known]
}

/// What a test of a host found, step by step.
public struct HostTest: Sendable, Codable {
    public struct Step: Sendable, Codable {
        public let step: String
        public let ok: Bool
        public let detail: String
        public var code: String?
        public var hint: String?
    }

    public let ok: Bool
    public let steps: [Step]
    public let milliseconds: Int
}

/// A host as a session needs it.
public struct SessionHost: Sendable, Hashable {
    public let id: String
    public let alias: String
    public let environment: String
    public let policyObject: PolicyObject
}
