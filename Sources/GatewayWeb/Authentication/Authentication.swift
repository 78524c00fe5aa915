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
    var findGuest: FindGuest = { _, _ in throw GatewayError.notSignedIn }

    /// - Throws: 401 `not_signed_in` when there is no token, or none that is good.
    func caller(of call: Call) async throws -> Caller {
        guard let token = token(in: call.request), let identity = await tokens.verify(token) else {
            throw GatewayError.notSignedIn
        }
        return try await findCaller(identity.userID, identity.signInID, call.context.peerAddress)
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
