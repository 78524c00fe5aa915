import NIOCore
public import SSH

/// Who came to an application, and how that is known.
public struct ApplicationIdentity: Sendable, Hashable {
    /// The name that the client connected as; often the application's.
    public var login: String
    /// The person, as whoever keeps the keys knows them; nil for a key that nobody has registered.
    public var person: String?
    /// The fingerprint of the key that was proven, "SHA256:…"; nil where no key was.
    public var fingerprint: String?
    /// The key itself, where this process did the authentication.
    public var key: SSHPublicKey?
    /// The certificate that the key came with, checked by whoever let it in.
    public var certificate: SSHCertificate?
    /// What the key's line or its certificate permits; nil where that is not known here.
    public var options: LoginPermissions?
    /// The client's address, as text.
    public var address: String?

    public init(login: String, person: String? = nil, fingerprint: String? = nil) {
        self.login = login
        self.person = person
        self.fingerprint = fingerprint
    }

    /// What a server of ours knows of a login by itself: everything but the person.
    public init(_ session: SSHServerSession) {
        login = session.user.username
        let identity = session.user.methods.last { $0.identity != nil }?.identity
        key = identity?.publicKey
        fingerprint = key?.fingerprint
        certificate = identity?.certificate
        options = certificate.flatMap { try? $0.permissions }
        address = session.connection.remoteAddress?.ipAddress
    }
}
