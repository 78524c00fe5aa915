import Gateway
import Storage

/// A person. What only those who manage people may know is left out for everybody else.
struct UserAnswer: Encodable {
    let user: User

    init(_ user: User) {
        self.user = user
    }

    private enum Key: String, CodingKey {
        case id, username, name, role, disabled, createdAt, lastSignInAt
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(user.id, forKey: .id)
        try container.encode(user.username, forKey: .username)
        try container.encode(user.name, forKey: .name)
        try container.encode(user.role, forKey: .role)
        guard let createdAt = user.createdAt else { return }
        try container.encode(user.disabled, forKey: .disabled)
        try container.encode(createdAt.iso8601, forKey: .createdAt)
        try container.encode(user.lastSignInAt?.iso8601, forKey: .lastSignInAt)
    }
}

struct OneUserAnswer: Encodable {
    let user: UserAnswer
}

struct UsersAnswer: Encodable {
    let users: [UserAnswer]
}

struct MeAnswer: Encodable {
    let user: UserAnswer
    let permissions: [String]
}

struct AddedUserAnswer: Encodable {
    struct Link: Encodable {
        let link: String
        let expiresAt: String
    }

    let user: UserAnswer
    let invitation: Link?
}

struct InvitationAnswer: Encodable {
    let invitation: AddedUserAnswer.Link
}

struct TokenAnswer: Encodable {
    let info: TokenInfo

    private enum Key: String, CodingKey {
        case kind, username, name, expiresAt
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(info.kind.rawValue, forKey: .kind)
        try container.encode(info.username, forKey: .username)
        try container.encode(info.name, forKey: .name)
        try container.encode(info.expiresAt.iso8601, forKey: .expiresAt)
    }
}
