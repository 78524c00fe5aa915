import Foundation
import Gateway
import HTTPTypes
import Hummingbird

/// Who is asking: from the access cookie or a Bearer token, checked against the sign-ins that are still good.
struct Authentication: Sendable {
    /// Whether a sign-in is still good, and whose it is.
    typealias FindCaller = @Sendable (_ userID: String, _ signInID: String, _ address: String) async throws -> Caller

    /// Whose device has this secret of a link.
    typealias FindGuest = @Sendable (_ secret: String, _ address: String) async throws -> Caller

    let tokens: AccessTokens
    let cookies: CookieNames
    let findCaller: FindCaller
    /// The agents' tokens, and where it is noted that one tried a door for people.
    var agents: AgentService?
    var findGuest: FindGuest = { _, _ in throw GatewayError.notSignedIn }

    /// - Throws: 401 `not_signed_in` when there is no token, or none that is good.
    func caller(of call: Call) async throws -> Caller {
        if let token = agentToken(in: call.request) {
            let agent = try await agent(token, call)
            agents?.refused(agent, at: "\(call.request.method.rawValue) \(call.request.uri.path)")
            throw GatewayError.notForAgents
        }
        guard let token = token(in: call.request), let identity = await tokens.verify(token) else {
            throw GatewayError.notSignedIn
        }
        return try await findCaller(identity.userID, identity.signInID, call.context.peerAddress)
    }

    /// The agent's token that a request carries, good or not. It says whose call this is: the credential alone does.
    func agentToken(in request: Request) -> String? {
        guard let token = token(in: request), AgentTokens.isAgentToken(token) else { return nil }
        return token
    }

    /// The AI agent that asks.
    /// - Throws: 401 `not_signed_in`.
    func agent(of call: Call) async throws -> Agent {
        guard let token = agentToken(in: call.request) else { throw GatewayError.notSignedIn }
        return try await agent(token, call)
    }

    private func agent(_ token: String, _ call: Call) async throws -> Agent {
        guard let agents else { throw GatewayError.notSignedIn }
        return try await agents.authenticate(token: token, address: call.context.peerAddress)
    }

    /// Who sits at a session: somebody with an account, or else a guest of the one session that their link leads to.
    /// - Throws: 401 `not_signed_in`.
    func seat(of call: Call) async throws -> Caller {
        do { return try await caller(of: call) } catch let error as GatewayError where error.status == 401 {
            guard let secret = cookies.value(cookies.guest, in: call.request) else { throw error }
            return try await findGuest(secret, call.context.peerAddress)
        }
    }

    /// A Bearer token counts before a cookie: whoever sends one means it.
    private func token(in request: Request) -> String? {
        if let field = request.headers[.authorization] {
            let parts = field.split(separator: " ", maxSplits: 1)
            guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
            return String(parts[1])
        }
        return cookies.value(cookies.access, in: request)
    }
}

extension GatewayError {
    static var notSignedIn: GatewayError {
        GatewayError(
            "not_signed_in", status: 401, "You are not signed in, or your sign-in has ended.",
            hint: "Sign in, then try again.")
    }
}
