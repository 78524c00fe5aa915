import Policy
import Storage

/// A person who may sign in.
public struct User: Sendable, Hashable {
    public let id: String
    /// Lower case; never changes.
    public let username: String
    public let name: String
    public let role: String
    public let disabled: Bool
    /// nil for those who may not manage people.
    public let createdAt: Timestamp?
    public let lastSignInAt: Timestamp?

    init(_ row: SQLRow) throws(StorageError) {
        id = try row.text("id")
        username = try row.text("username")
        name = try row.text("name")
        role = try row.text("role")
        disabled = try row.bool("disabled")
        createdAt = try row.time("created")
        lastSignInAt = try row.optionalTime("last_sign_in")
    }

    private init(id: String, username: String, name: String, role: String, disabled: Bool) {
        self.id = id
        self.username = username
        self.name = name
        self.role = role
        self.disabled = disabled
        createdAt = nil
        lastSignInAt = nil
    }

    /// What everybody may know of a colleague.
    var asColleague: User { User(id: id, username: username, name: name, role: role, disabled: disabled) }
}

/// A link by which a person chooses a password. The web face makes the address around the token.
public struct Invitation: Sendable, Hashable {
    public let token: String
    public let expiresAt: Timestamp
}

/// What a link is for, before it is used.
public struct TokenInfo: Sendable, Hashable {
    public enum Kind: String, Sendable {
        case firstAdmin = "first-admin"
        case invitation
    }

    public let kind: Kind
    /// Fixed by an invitation; nil for the first admin, who chooses.
    public let username: String?
    public let name: String?
    public let expiresAt: Timestamp
}

/// A new or renewed sign-in.
public struct SignIn: Sendable, Hashable {
    public let user: User
    public let signInID: String
    /// Opaque and good for one use; give it to the client and keep it nowhere.
    public let refreshToken: String
    /// When the person has to sign in again whatever happens.
    public let refreshExpires: Timestamp
}

/// Who just lost a right that a live connection may still use.
public enum Revocation: Sendable, Hashable {
    /// Every sign-in of this person ended.
    case user(id: String)
    /// One sign-in ended.
    case signIn(id: String, userID: String)
    /// The role changed: what is open has to be judged again.
    case roleChanged(userID: String)
}

/// What a user name and a role must be.
enum UserRule {
    static func username(_ text: String) throws(GatewayError) -> String {
        let folded = text.lowercased()
        guard folded.wholeMatch(of: /[a-z0-9][a-z0-9._-]{0,31}/) != nil else {
            throw .invalid(
                "username", "The user name is not usable.",
                hint: "Use 1 to 32 letters a-z, digits, dots, dashes and underscores; begin with a letter or digit.")
        }
        return folded
    }

    static func name(_ text: String) throws(GatewayError) -> String {
        let name = try VisibleText.line(text, field: "name", what: "The name", limit: 80)
        guard !name.isEmpty else { throw .invalid("name", "The name is empty.", hint: "Type the person's name.") }
        return name
    }

    static func role(_ text: String) throws(GatewayError) -> String {
        guard PolicyTable.roles.contains(text) else {
            throw .invalid(
                "role", "There is no role of that name.",
                hint: "Choose one of: " + PolicyTable.roles.joined(separator: ", ") + ".")
        }
        return text
    }
}
