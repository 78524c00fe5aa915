import Audit
import Policy

/// A verified identity: from a sign-in, from the command line on this machine, or the program itself. It is never made
/// from the body of a request.
public struct Caller: Sendable, Hashable {
    public enum Kind: String, Sendable {
        case user, cli, system
        /// Somebody without an account who came by a link to one session, and may see that one alone.
        case guest
    }

    public var tenant: String
    public var userID: String
    public var username: String
    /// The person's name.
    public var name: String
    public var role: String
    /// The sign-in that proved it; empty for `cli` and `system`.
    public var signInID: String
    /// The address that the request came from.
    public var address: String
    public var kind: Kind
    /// The one session that a guest may see; nil for everybody else.
    public var sessionID: String?

    public init(
        tenant: String, userID: String, username: String, name: String, role: String, signInID: String,
        address: String, kind: Kind = .user
    ) {
        self.tenant = tenant
        self.userID = userID
        self.username = username
        self.name = name
        self.role = role
        self.signInID = signInID
        self.address = address
        self.kind = kind
    }

    /// Who runs the command line on this machine and may read the database: everything is open to that account anyway.
    public static func commandLine(tenant: String, account: String) -> Caller {
        Caller(
            tenant: tenant, userID: "cli:" + account, username: account, name: account, role: "admin", signInID: "",
            address: "", kind: .cli)
    }

    /// The program itself, for what no person asked for.
    public static func system(tenant: String) -> Caller {
        Caller(
            tenant: tenant, userID: "system", username: "system", name: "SSH Copilot", role: "admin", signInID: "",
            address: "", kind: .system)
    }

    public var subject: Subject { Subject(tenant: tenant, userID: userID, role: role) }

    /// How the caller stands in the audit log.
    public var auditActor: AuditActor {
        let kind: AuditActor.Kind =
            switch self.kind {
            case .user: .user
            case .cli: .cli
            case .system: .system
            case .guest: .user
            }
        return AuditActor(kind: kind, id: userID, name: name, address: address.isEmpty ? nil : address)
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

extension PolicyTable {
    /// Refuses with the reason when the caller may not.
    public func require(
        _ permission: Permission, of caller: Caller, on object: PolicyObject? = nil
    ) throws(GatewayError) {
        if case .refuse(let missing, let reason) = decide(caller.subject, permission, on: object) {
            throw .notPermitted(missing, reason)
        }
    }
}

extension AuditActor {
    /// The program itself, for what no person asked for.
    static let copilot = AuditActor(kind: .system, id: "system", name: "SSH Copilot")
}
