import SSHKeys
import Storage

/// The name of a stored host, `hst_…`.
public typealias HostID = String

/// What kind of place a host is.
public enum HostEnvironment: String, Sendable, CaseIterable {
    case production, staging, development, other
}

/// A host as one person may see it.
public struct HostView: Sendable, Hashable {
    public let id: HostID
    public let alias: String
    public let address: String
    public let port: Int
    /// The account on the host.
    public let username: String
    public let environment: HostEnvironment
    public let purpose: String
    public let tags: [String]
    public let hostKey: HostKeyView
    public let credential: CredentialView
    /// A key that the host showed and that is not the recorded one.
    public let keyAlert: KeyAlert?
    public let lastUsedAt: Timestamp?
    public let activeSessions: Int
    public let may: HostRights
    /// The host that the program started on this machine to show itself.
    public let demonstration: Bool
    /// Who added it.
    public let ownerID: String
}

/// A host key for people to compare.
public struct HostKeyFace: Sendable, Hashable {
    /// Such as `ssh-ed25519`.
    public let algorithm: String
    /// `SHA256:…`
    public let fingerprint: String
    public let randomart: String
    /// Type and base64, as in a known_hosts file.
    public let publicKey: String

    init(_ key: SSHPublicKey) {
        algorithm = key.algorithm
        fingerprint = key.fingerprint
        randomart = key.randomart
        publicKey = key.authorizedKeysLine(comment: "")
    }

    /// For the details of an error.
    var details: DetailValue {
        .object([
            "algorithm": .string(algorithm), "fingerprint": .string(fingerprint), "randomart": .string(randomart),
        ])
    }
}

/// The recorded key of a host, and who confirmed it.
public struct HostKeyView: Sendable, Hashable {
    public let key: HostKeyFace
    public let verifiedAt: Timestamp
    /// The person's name.
    public let verifiedBy: String
}

/// A changed key that somebody has to judge.
public struct KeyAlert: Sendable, Hashable {
    public let offered: HostKeyFace
    public let seenAt: Timestamp
}

/// What the person who looks may do with a host.
public struct HostRights: Sendable, Hashable {
    public let connect: Bool
    public let view: Bool
    public let type: Bool
    public let share: Bool
    public let edit: Bool
    public let readFiles: Bool
    public let writeFiles: Bool
}
