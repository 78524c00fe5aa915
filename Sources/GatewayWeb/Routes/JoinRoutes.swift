import Gateway
import Hummingbird
import Storage

/// `/auth/join` and `/api/guest`: coming by a link to one session, with an account or without.
struct JoinRoutes: Sendable {
    private struct TokenBody: Decodable {
        let token: String
    }
    private struct JoinBody: Decodable {
        let token: String
        let name: String?
    }

    let sessions: Sessions
    let authentication: Authentication
    let cookies: CookieNames

    func add(to routes: RouteTable) {
        routes.open(.post, "/auth/join/check") { call in
            let body = try call.body(TokenBody.self)
            return try JSONAnswer.response(try await sessions.linkInfo(body.token))
        }
        routes.open(.post, "/auth/join") { call in try await join(call) }
        routes.seated(.get, "/api/guest") { call, caller in
            guard caller.kind == .guest, let id = caller.sessionID else {
                throw GatewayError("not_a_guest", status: 409, "You have an account here.", hint: "Open the session.")
            }
            return try JSONAnswer.response(
                ArrivalAnswer(sessionId: id, guest: .init(id: caller.userID, name: caller.name)))
        }
    }

    private func join(_ call: Call) async throws -> Response {
        let body = try call.body(JoinBody.self)
        // Whoever is signed in comes as themselves; an old cookie keeps nobody from coming as a guest.
        let caller = try? await authentication.caller(of: call)
        let arrival = try await sessions.arrive(
            by: body.token, caller: caller, name: body.name ?? "", address: call.context.peerAddress)
        switch arrival {
        case .person(let id): return try JSONAnswer.response(ArrivalAnswer(sessionId: id, guest: nil))
        case .guest(let sessionID, let id, let name, let secret, let expiresAt):
            var response = try JSONAnswer.response(
                ArrivalAnswer(sessionId: sessionID, guest: .init(id: id, name: name)))
            let seconds = (expiresAt - Timestamp.now()).components.seconds
            response.headers.append(cookies.field(cookies.guest, secret, seconds: Int(seconds)))
            return response
        }
    }
}

private struct ArrivalAnswer: Encodable {
    struct Guest: Encodable {
        let id: String
        let name: String
    }
    let sessionId: String
    /// Nil for somebody with an account.
    let guest: Guest?

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(sessionId, forKey: .sessionId)
        try container.encode(guest, forKey: .guest)
    }

    private enum CodingKeys: String, CodingKey { case sessionId, guest }
}
