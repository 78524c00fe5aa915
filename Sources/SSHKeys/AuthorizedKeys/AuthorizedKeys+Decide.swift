/// Who wants to log in, with which key, from where.
public struct KeyLogin: Sendable {
    /// The key or certificate that was offered; proven or, for a probe, only named.
    public var identity: PublicIdentity
    /// The account.
    public var username: String
    /// The client's address as text; nil if it has none, as on a unix socket.
    public var address: String?
    /// The client's name, where it was resolved and leads back to the address.
    public var hostname: String?
    /// Seconds since 1970.
    public var now: UInt64
    /// What the verified signature told; nil for a probe, and then touch and PIN are not asked for yet.
    public var signature: SignatureDetails?
    /// A revocation list, if there is one.
    public var revoked: KeyRevocationList?

    public init(
        identity: PublicIdentity, username: String, address: String?, hostname: String? = nil, now: UInt64,
        signature: SignatureDetails?, revoked: KeyRevocationList? = nil
    ) {
        self.identity = identity
        self.username = username
        self.address = address
        self.hostname = hostname
        self.now = now
        self.signature = signature
        self.revoked = revoked
    }
}

/// What authorized_keys says to a login.
public enum KeyDecision: Sendable, Hashable {
    /// Let in, with what is permitted. `line` is the one that did.
    case allowed(LoginPermissions, line: Int)
    /// A line names the key, or the certificate's authority, and still refuses it; the last such line.
    case refused(SSHKeyError, line: Int)
    /// No line names it.
    case unknown
}

extension AuthorizedKeys {
    /// Asks line by line; the first that lets the login in counts.
    public func decide(_ login: KeyLogin) -> KeyDecision {
        var refusal: KeyDecision?
        for entry in entries where entry.names(login.identity) {
            do throws(SSHKeyError) {
                return .allowed(try entry.permissions(for: login), line: entry.line)
            } catch {
                refusal = .refused(error, line: entry.line)
            }
        }
        return refusal ?? .unknown
    }
}

extension AuthorizedKeys.Entry {
    fileprivate func names(_ identity: PublicIdentity) -> Bool {
        switch identity {
        case .key(let key): !options.isCertificateAuthority && key == self.key
        case .certificate(let certificate): options.isCertificateAuthority && certificate.signatureKey == key
        }
    }

    fileprivate func permissions(for login: KeyLogin) throws(SSHKeyError) -> LoginPermissions {
        try options.check(login)
        var permissions = options.permissions
        switch login.identity {
        case .key:
            if let revoked = login.revoked, revoked.contains(login.identity) {
                throw .refused(.revoked, "The key was revoked.")
            }
        case .certificate(let certificate):
            try certificate.check(
                as: .user, principals: options.principals ?? [login.username], now: login.now,
                isTrusted: { $0 == key }, revoked: login.revoked, sourceAddress: login.address)
            permissions = try permissions.merged(with: try certificate.permissions)
        }
        if let details = login.signature {
            try permissions.checkPresence(details, of: login.identity.publicKey)
        }
        return permissions
    }
}

extension KeyOptions {
    /// from= and expiry-time=.
    func check(_ login: KeyLogin) throws(SSHKeyError) {
        if let sources, !sources.matches(address: login.address, hostname: login.hostname) {
            throw .refused(.addressNotAllowed, "The key may not be used from this address.")
        }
        if let expires, login.now >= expires {
            throw .refused(.certificateExpired, "The key's time in authorized_keys is over.")
        }
    }
}
