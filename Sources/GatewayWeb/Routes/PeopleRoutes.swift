import Gateway
import Hummingbird
import Policy
import Storage

/// `/api/me` and `/api/users`: oneself, and everybody.
struct PeopleRoutes: Sendable {
    private struct PasswordBody: Decodable {
        let current: String
        let new: String
    }
    private struct NewUserBody: Decodable {
        let username: String
        let name: String
        let role: String
        let password: String?
    }
    private struct UserChangeBody: Decodable {
        let name: String?
        let role: String?
        let disabled: Bool?
    }

    let people: People
    let policy: PolicyTable
    /// `https` or `http`, for links.
    let scheme: String

    func add(to routes: RouteTable) {
        routes.signedIn(.get, "/api/me") { _, caller in
            let user = try await people.user(id: caller.userID)
            let permissions = policy.permissions(of: caller.role).map(\.rawValue)
            return try JSONAnswer.response(MeAnswer(user: UserAnswer(user), permissions: permissions))
        }
        routes.signedIn(.post, "/api/me/password") { call, caller in
            let body = try call.body(PasswordBody.self)
            try await people.changePassword(caller, current: body.current, new: body.new)
            return JSONAnswer.noContent
        }
        routes.signedIn(.get, "/api/users") { _, caller in
            try JSONAnswer.response(UsersAnswer(users: try await people.users(caller).map(UserAnswer.init)))
        }
        routes.signedIn(.post, "/api/users") { call, caller in try await addUser(call, caller) }
        routes.signedIn(.patch, "/api/users/:id") { call, caller in
            let body = try call.body(UserChangeBody.self)
            let user = try await people.update(
                caller, id: call.parameter("id"), name: body.name, role: body.role, disabled: body.disabled)
            return try JSONAnswer.response(OneUserAnswer(user: UserAnswer(user)))
        }
        routes.signedIn(.post, "/api/users/:id/invitation") { call, caller in
            let invitation = try await people.invite(caller, id: call.parameter("id"))
            return try JSONAnswer.response(InvitationAnswer(invitation: link(invitation, call)), status: .created)
        }
    }

    private func addUser(_ call: Call, _ caller: Caller) async throws -> Response {
        let body = try call.body(NewUserBody.self)
        let (user, invitation) = try await people.add(
            caller, username: body.username, name: body.name, role: body.role, password: body.password)
        return try JSONAnswer.response(
            AddedUserAnswer(user: UserAnswer(user), invitation: invitation.map { link($0, call) }), status: .created)
    }

    /// The secret stands in the fragment: it is in no log on the way, and in no Referer.
    private func link(_ invitation: Invitation, _ call: Call) -> AddedUserAnswer.Link {
        let host = call.request.head.authority ?? ""
        return AddedUserAnswer.Link(
            link: "\(scheme)://\(host)/#/welcome?token=\(invitation.token)", expiresAt: invitation.expiresAt.iso8601)
    }
}
