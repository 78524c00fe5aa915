import Audit
import Policy

/// Who is asking: a verified identity, never made from a request's body.
public struct Caller: Sendable, Hashable {
    /// Where a call comes from.
    public enum Kind: String, Sendable {
        /// A person who signed in.
        case user
        /// Somebody with access to the data folder, at the command line.
        case cli
    }

    public var kind: Kind
    public var tenant: String
    public var userID: String
    public var username: String
    public var name: String
    public var role: String
    /// The sign-in that this identity comes from.
    public var signInID: String
    /// The peer's address, as far as it is known.
    public var address: String

    public init(
        kind: Kind = .user, tenant: String, userID: String, username: String, name: String, role: String,
        signInID: String, address: String
    ) {
        self.kind = kind
        self.tenant = tenant
        self.userID = userID
        self.username = username
        self.name = name
        self.role = role
        self.signInID = signInID
        self.address = address
    }

    /// The command line on the copilot's own machine: whoever can read the data folder is its admin.
    public static func commandLine(tenant: String, account: String) -> Caller {
        Caller(
            kind: .cli, tenant: tenant, userID: "cli", username: account, name: "\(account) at the command line",
            role: "admin", signInID: "cli", address: "")
    }

    /// This person as the policy sees them.
    public var subject: Subject { Subject(tenant: tenant, userID: userID, role: role) }

    /// This person as the audit log names them.
    public var auditActor: AuditActor {
        AuditActor(kind: kind == .cli ? .cli : .user, id: userID, name: name, address: address.isEmpty ? nil : address)
    }

    /// This person, acting for somebody: both names go on record.
    func auditActor(for person: SessionView.Person) -> AuditActor {
        var actor = auditActor
        if person.id != userID { actor.onBehalfOf = person.name }
        return actor
    }

    /// The same person with another role.
    public func with(role: String) -> Caller {
        var other = self
        other.role = role
        return other
    }
}
