/// Whom a certificate speaks of. The raw value is the one on the wire.
public enum CertificateType: UInt32, Sendable, Hashable {
    case user = 1
    case host = 2
}

/// What an authority puts its name under (OpenSSH's PROTOCOL.certkeys): everything but its key and its signature.
public struct CertificateContents: Sendable, Hashable {
    /// The certificate's validity that has no beginning or no end.
    public static let always: UInt64 = 0
    public static let forever = UInt64.max
    /// The most names that a certificate may hold; OpenSSH's limit.
    public static let maximumPrincipals = 256

    /// The key that is certified.
    public var publicKey: SSHPublicKey
    public var type: CertificateType
    /// A number that the authority gives; zero if it gives none. Revocation lists name it.
    public var serial: UInt64
    /// The name in the server's log.
    public var keyID: String
    /// User names or host names. A certificate without any is good for nobody. A host's may hold `*` and `?`.
    public var principals: [String]
    /// Seconds since 1970: valid from this second on.
    public var validAfter: UInt64
    /// Seconds since 1970: valid until, not including, this second.
    public var validBefore: UInt64
    /// What whoever checks the certificate must understand and obey, or refuse.
    public var criticalOptions: CertificateOptions
    /// What may be ignored: permissions.
    public var extensions: CertificateOptions

    /// - Parameters:
    ///   - publicKey: whose certificate it is.
    ///   - type: for a user or for a host.
    ///   - keyID: free text that ends up in logs.
    ///   - principals: the names that it is good for.
    ///   - serial: a number to revoke it by; 0 for none.
    ///   - validAfter: seconds since 1970; ``always`` for no beginning.
    ///   - validBefore: seconds since 1970; ``forever`` for no end.
    ///   - criticalOptions: what must be obeyed.
    ///   - extensions: what it permits.
    public init(
        publicKey: SSHPublicKey, type: CertificateType, keyID: String, principals: [String], serial: UInt64 = 0,
        validAfter: UInt64 = always, validBefore: UInt64 = forever, criticalOptions: CertificateOptions = [],
        extensions: CertificateOptions = []
    ) {
        self.publicKey = publicKey
        self.type = type
        self.serial = serial
        self.keyID = keyID
        self.principals = principals
        self.validAfter = validAfter
        self.validBefore = validBefore
        self.criticalOptions = criticalOptions
        self.extensions = extensions
    }

    /// Reads what follows the type and the nonce.
    init(keyType: String, fields reader: inout WireReader) throws(SSHKeyError) {
        publicKey = try SSHPublicKey(type: keyType, fields: &reader)
        try publicKey.validate()
        serial = try reader.uint64()
        guard let type = CertificateType(rawValue: try reader.uint32()) else {
            throw .malformed("a certificate is neither a user's nor a host's")
        }
        self.type = type
        keyID = try reader.utf8String()
        principals = try Self.principals(encoded: try reader.string())
        validAfter = try reader.uint64()
        validBefore = try reader.uint64()
        criticalOptions = try CertificateOptions(encoded: try reader.string())
        extensions = try CertificateOptions(encoded: try reader.string())
    }

    func write(into writer: inout WireWriter) {
        publicKey.writeFields(into: &writer)
        writer.writeUInt64(serial)
        writer.writeUInt32(type.rawValue)
        writer.writeString(keyID)
        var names = WireWriter()
        for name in principals { names.writeString(name) }
        writer.writeString(names.bytes)
        writer.writeUInt64(validAfter)
        writer.writeUInt64(validBefore)
        writer.writeString(criticalOptions.encoded)
        writer.writeString(extensions.encoded)
    }

    private static func principals(encoded: [UInt8]) throws(SSHKeyError) -> [String] {
        var reader = WireReader(encoded)
        var names: [String] = []
        while !reader.isAtEnd {
            guard names.count < maximumPrincipals else {
                throw .malformed("a certificate holds more than \(maximumPrincipals) names")
            }
            let name = try reader.utf8String()
            guard !name.utf8.contains(0) else { throw .malformed("a name in a certificate holds a zero byte") }
            names.append(name)
        }
        return names
    }
}
