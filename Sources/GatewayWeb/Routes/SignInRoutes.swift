import Gateway
import Hummingbird

/// `/auth`: links, sign-in, refresh, sign-out.
struct SignInRoutes: Sendable {
    private struct TokenBody: Decodable {
        let token: String
    }
    private struct RedeemBody: Decodable {
        let token: String
        let username: String
        let name: String
        let password: String
        let code: String?
    }
    private struct SignInBody: Decodable {
        let username: String
        let password: String
        let code: String?
    }

    let people: People
    let cookies: SignInCookies

    func add(to routes: RouteTable) {
        routes.open(.post, "/auth/redeem/check") { call in
            let body = try call.body(TokenBody.self)
            return try JSONAnswer.response(TokenAnswer(info: try await people.checkToken(body.token)))
        }
        routes.open(.post, "/auth/redeem") { call in
            let body = try call.body(RedeemBody.self)
            let signIn = try await people.redeem(
                token: body.token, username: body.username, name: body.name, password: body.password,
                code: body.code, address: call.context.peerAddress, device: call.device)
            return try await signedIn(signIn, status: .created)
        }
        routes.open(.post, "/auth/sign-in") { call in
            let body = try call.body(SignInBody.self)
            let signIn = try await people.signIn(
                username: body.username, password: body.password, code: body.code,
                address: call.context.peerAddress, device: call.device)
            return try await signedIn(signIn, status: .ok)
        }
        routes.open(.post, "/auth/refresh") { call in try await refresh(call) }
        routes.signedIn(.post, "/auth/sign-out") { _, caller in
            try await people.signOut(caller)
            return cookies.remove(from: JSONAnswer.noContent)
        }
        routes.signedIn(.post, "/auth/sign-out-everywhere") { _, caller in
            try await people.signOutEverywhere(caller)
            return cookies.remove(from: JSONAnswer.noContent)
        }
    }

    private func signedIn(_ signIn: SignIn, status: HTTPResponse.Status) async throws -> Response {
        let answer = OneUserAnswer(user: UserAnswer(signIn.user))
        return try await cookies.set(signIn, on: try JSONAnswer.response(answer, status: status))
    }

    private func refresh(_ call: Call) async throws -> Response {
        guard let token = cookies.names.value(cookies.names.refresh, in: call.request) else {
            throw GatewayError.notSignedIn
        }
        let signIn = try await people.refresh(token, address: call.context.peerAddress)
        return try await cookies.set(signIn, on: JSONAnswer.noContent)
    }
}
