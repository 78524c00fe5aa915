import SSHKeys
public import Storage

/// A public key by which a person is known where they come by SSH.
public struct PersonKey: Sendable, Hashable {
    public let id: String
    /// Whose it is.
    public let userID: String
    public let username: String
    /// "ssh-ed25519".
    public let type: String
    /// "SHA256:…".
    public let fingerprint: String
    /// The line for an authorized_keys file.
    public let line: String
    public let comment: String
    public let addedAt: Timestamp

    init(_ row: SQLRow) throws(StorageError) {
        id = try row.text("id")
        userID = try row.text("person")
        username = try row.text("username")
        type = try row.text("type")
        fingerprint = try row.text("fingerprint")
        line = try row.text("line")
        comment = try row.text("comment")
        addedAt = try row.time("created")
    }
}
